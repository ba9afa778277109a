//! The functions of macOS's C library that the shared library replaces in every program that it is inserted into.
//!
//! dyld reads pairs of functions in the section `__interpose` of each library that it loads at the program's start. It binds all
//! other libraries to the first function of a pair where they name the second. A function of a system that lacks it is a weak
//! reference, whose pair dyld leaves out.
//!
//! Operators of C++ need no pairs: those of the C++ library call `malloc`.

use crate::error_number::set_errno;
use crate::library::{Way, Zone};
use crate::mode::{is_tracked, source};
use crate::process;
use crate::source::Source;
use crate::tracker::TRACKER;
use core::ffi::{c_int, c_uint, c_void};
use core::ptr::null_mut;

type Block = *mut c_void;

/// Defines replacements, and the section with their pairs: first those of functions that all systems have, then of those
/// that only newer ones have.
macro_rules! interpose {
    ({ $($old:tt)* } newer { $($new:tt)* }) => {
        interpose!(@functions $($old)*);
        interpose!(@functions $($new)*);
        interpose!(@section { $($old)* } { $($new)* });
    };
    (@functions $($name:ident($($argument:ident: $kind:ty),*) $(-> $result:ty)? = $body:expr;)*) => { $(
        #[doc = concat!("`", stringify!($name), "`")]
        #[allow(non_snake_case, reason = "they are called as the C library's functions are")]
        #[unsafe(export_name = concat!("memtrack_preload_", stringify!($name)))]
        pub unsafe extern "C" fn $name($($argument: $kind),*) $(-> $result)? {
            $body
        }
    )* };
    // In assembly, which alone has weak references in stable Rust.
    (@section { $($old:ident $old_arguments:tt $(-> $old_result:ty)? = $old_body:expr;)* }
        { $($new:ident $new_arguments:tt $(-> $new_result:ty)? = $new_body:expr;)* }) => {
        core::arch::global_asm!(
            ".section __DATA,__interpose,interposing",
            ".p2align 3",
            "_memtrack_interposed:",
            ".no_dead_strip _memtrack_interposed",
            $(interpose!(@pair $old),)*
            $(concat!(".weak_reference _", stringify!($new)), interpose!(@pair $new),)*
            ".text",
        );
    };
    (@pair $name:ident) => {
        concat!(".quad _memtrack_preload_", stringify!($name), ", _", stringify!($name))
    };
}

interpose! { {
    malloc(size: usize) -> Block = source!(Way::DEFAULT, malloc(size));
    calloc(count: usize, size: usize) -> Block = source!(Way::DEFAULT, calloc(count, size));
    realloc(block: Block, size: usize) -> Block = source!(Way::DEFAULT, realloc(block, size));
    reallocf(block: Block, size: usize) -> Block =
        // SAFETY: the caller upholds it.
        unsafe { realloc_or_free(block, size) };
    free(block: Block) = source!(Way::DEFAULT, free(block));
    posix_memalign(to: *mut Block, align: usize, size: usize) -> c_int =
        source!(Way::DEFAULT, posix_memalign(to, align, size));
    valloc(size: usize) -> Block = source!(Way::DEFAULT, memalign(page(), size));
    malloc_size(block: Block) -> usize = source!(Way::DEFAULT, malloc_usable_size(block));
    malloc_zone_malloc(zone: *mut Zone, size: usize) -> Block = source!(of(zone), malloc(size));
    malloc_zone_calloc(zone: *mut Zone, count: usize, size: usize) -> Block = source!(of(zone), calloc(count, size));
    malloc_zone_realloc(zone: *mut Zone, block: Block, size: usize) -> Block = source!(of(zone), realloc(block, size));
    malloc_zone_memalign(zone: *mut Zone, align: usize, size: usize) -> Block = source!(of(zone), memalign(align, size));
    malloc_zone_valloc(zone: *mut Zone, size: usize) -> Block = source!(of(zone), memalign(page(), size));
    malloc_zone_free(zone: *mut Zone, block: Block) = source!(of(zone), free(block));
    malloc_zone_batch_malloc(zone: *mut Zone, size: usize, blocks: *mut Block, count: c_uint) -> c_uint =
        // SAFETY: the caller upholds it.
        unsafe { batch(zone, size, blocks, count) };
    malloc_zone_batch_free(zone: *mut Zone, blocks: *mut Block, count: c_uint) =
        // SAFETY: the caller upholds it.
        unsafe { free_batch(zone, blocks, count) };
    _exit(status: c_int) = exit_at_once(status);
    _Exit(status: c_int) = exit_at_once(status);

} newer {
    // Since macOS 10.15.
    aligned_alloc(align: usize, size: usize) -> Block = aligned(Way::DEFAULT, align, size);
    // Since macOS 14.
    malloc_type_malloc(size: usize, kind: u64) -> Block = source!(typed(null_mut(), kind), malloc(size));
    malloc_type_calloc(count: usize, size: usize, kind: u64) -> Block =
        source!(typed(null_mut(), kind), calloc(count, size));
    malloc_type_realloc(block: Block, size: usize, kind: u64) -> Block =
        source!(typed(null_mut(), kind), realloc(block, size));
    malloc_type_posix_memalign(to: *mut Block, align: usize, size: usize, kind: u64) -> c_int =
        source!(typed(null_mut(), kind), posix_memalign(to, align, size));
    malloc_type_aligned_alloc(align: usize, size: usize, kind: u64) -> Block =
        aligned(typed(null_mut(), kind), align, size);
    malloc_type_valloc(size: usize, kind: u64) -> Block = source!(typed(null_mut(), kind), memalign(page(), size));
    malloc_type_free(block: Block, kind: u64) = source!(typed(null_mut(), kind), free(block));
    malloc_type_zone_malloc(zone: *mut Zone, size: usize, kind: u64) -> Block = source!(typed(zone, kind), malloc(size));
    malloc_type_zone_calloc(zone: *mut Zone, count: usize, size: usize, kind: u64) -> Block =
        source!(typed(zone, kind), calloc(count, size));
    malloc_type_zone_realloc(zone: *mut Zone, block: Block, size: usize, kind: u64) -> Block =
        source!(typed(zone, kind), realloc(block, size));
    malloc_type_zone_memalign(zone: *mut Zone, align: usize, size: usize, kind: u64) -> Block =
        source!(typed(zone, kind), memalign(align, size));
    malloc_type_zone_valloc(zone: *mut Zone, size: usize, kind: u64) -> Block =
        source!(typed(zone, kind), memalign(page(), size));
    malloc_type_zone_free(zone: *mut Zone, block: Block, kind: u64) = source!(typed(zone, kind), free(block));
} }

fn of(zone: *mut Zone) -> Way {
    Way { zone, of: None }
}

fn typed(zone: *mut Zone, kind: u64) -> Way {
    Way { zone, of: Some(kind) }
}

fn page() -> usize {
    // SAFETY: the call only returns a number.
    usize::try_from(unsafe { libc::sysconf(libc::_SC_PAGESIZE) }).unwrap_or(16 << 10)
}

/// `aligned_alloc`, which refuses what the standard of C does not allow.
fn aligned(way: Way, align: usize, size: usize) -> Block {
    if !align.is_power_of_two() || !size.is_multiple_of(align) {
        set_errno(libc::EINVAL);
        return null_mut();
    }
    source!(way, memalign(align, size))
}

/// `reallocf`: a block that cannot be resized is freed.
///
/// # Safety
/// As for the C library's function.
unsafe fn realloc_or_free(block: Block, size: usize) -> Block {
    let new = source!(Way::DEFAULT, realloc(block, size));
    if new.is_null() {
        source!(Way::DEFAULT, free(block));
    }
    new
}

/// `malloc_zone_batch_malloc`: it may hand out fewer blocks than it is asked for.
///
/// Each block is requested alone. A zone may have no way to hand out many, and returns 0 then, so a program has to go on alone as
/// well.
///
/// # Safety
/// `blocks` must have room for so many.
unsafe fn batch(zone: *mut Zone, size: usize, blocks: *mut Block, count: c_uint) -> c_uint {
    for done in 0..count {
        let block = source!(of(zone), malloc(size));
        if block.is_null() {
            return done;
        }
        // SAFETY: the caller has room for that many.
        unsafe { blocks.add(done as usize).write(block) };
    }
    count
}

/// `malloc_zone_batch_free`.
///
/// # Safety
/// `blocks` must be so many blocks of the zone.
unsafe fn free_batch(zone: *mut Zone, blocks: *mut Block, count: c_uint) {
    for block in 0..count as usize {
        // SAFETY: the caller has that many blocks, which are the zone's.
        let block = unsafe { blocks.add(block).read() };
        source!(of(zone), free(block));
    }
}

fn exit_at_once(status: c_int) -> ! {
    process::ends_at_once();
    // SAFETY: the call ends the process. It arrives at the C library.
    unsafe { libc::_exit(status) }
}

#[used]
#[unsafe(link_section = "__DATA,__mod_init_func")]
static AT_START: extern "C" fn() = at_start;

extern "C" fn at_start() {
    if is_tracked() {
        process::begin();
        // A program that never allocates leaves an empty dump.
        let _ = TRACKER.check();
    }
}
