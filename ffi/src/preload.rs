//! The functions of the C library that the shared library replaces in every program that it is preloaded into.
//!
//! A program may also link the shared library, for its `memtrack_…` functions. Then it has these functions too, and they
//! pass every call on unchanged.

use crate::library::{Way, is_another, is_shared, tells_sizes};
use crate::mode::{self, is_tracked, source};
use crate::source::Source;
use crate::tracker::TRACKER;
use crate::{operators, process};
use core::ffi::{c_int, c_void};
use core::sync::atomic::{AtomicU8, Ordering::Relaxed};
use memtrack_core::LossCause;

/// Entry points. `build.rs` makes the linker of the shared library give each its second name. rustc exports only names in
/// a list, which it makes of the definitions here and which the linker matches as patterns. So each entry point defines a byte
/// whose name is a pattern for the second name.
macro_rules! preload {
    ($($pattern:literal $name:ident($($argument:ident: $kind:ty),*) $(-> $result:ty)? = $call:ident($($given:expr),*);)*) => { $(
        #[doc = concat!("`", stringify!($name), "`")]
        #[unsafe(export_name = concat!("memtrack_preload_", stringify!($name)))]
        pub unsafe extern "C" fn $name($($argument: $kind),*) $(-> $result)? {
            source!(Way::DEFAULT, $call($($given),*))
        }

        const _: () = {
            #[unsafe(export_name = $pattern)]
            static NAME: u8 = 0;
        };
    )* };
}

preload! {
    "mallo[c]" malloc(size: usize) -> *mut c_void = malloc(size);
    "callo[c]" calloc(count: usize, size: usize) -> *mut c_void = calloc(count, size);
    "reallo[c]" realloc(block: *mut c_void, size: usize) -> *mut c_void = realloc(block, size);
    "reallocarra[y]" reallocarray(block: *mut c_void, count: usize, size: usize) -> *mut c_void =
        reallocarray(block, count, size);
    "fre[e]" free(block: *mut c_void) = free(block);
    "free_size[d]" free_sized(block: *mut c_void, _size: usize) = free(block);
    "free_aligned_size[d]" free_aligned_sized(block: *mut c_void, _align: usize, _size: usize) = free(block);
    "posix_memalig[n]" posix_memalign(to: *mut *mut c_void, align: usize, size: usize) -> c_int =
        posix_memalign(to, align, size);
    "aligned_allo[c]" aligned_alloc(align: usize, size: usize) -> *mut c_void = memalign(align, size);
    "memalig[n]" memalign(align: usize, size: usize) -> *mut c_void = memalign(align, size);
    "vallo[c]" valloc(size: usize) -> *mut c_void = memalign(page(), size);
    "pvallo[c]" pvalloc(size: usize) -> *mut c_void = memalign(page(), pages(size));
    "malloc_usable_siz[e]" malloc_usable_size(block: *mut c_void) -> usize = malloc_usable_size(block);
}

fn page() -> usize {
    // SAFETY: the call only returns a number.
    usize::try_from(unsafe { libc::sysconf(libc::_SC_PAGESIZE) }).unwrap_or(4096)
}

/// The size in whole pages; a size that is too large stays too large.
fn pages(size: usize) -> usize {
    size.checked_next_multiple_of(page()).unwrap_or(usize::MAX)
}

#[used]
#[unsafe(link_section = ".init_array")]
static AT_START: extern "C" fn() = at_start;

extern "C" fn at_start() {
    if is_shared() && is_tracked() {
        process::begin();
        // A program that never allocates leaves an empty dump.
        let _ = TRACKER.check();
        say_what_is_not_seen();
        // The dynamic linker allocates its messages about missing names; they do not belong to the program.
        mode::untracked(operators::decide);
    }
}

/// Whether the program and its libraries allocate by these functions, and not by functions that come before them. The first call finds
/// out; in a program with many symbols that takes a millisecond.
pub(crate) fn stands_in_for_malloc() -> bool {
    static STANDS_IN: AtomicU8 = AtomicU8::new(0);
    match STANDS_IN.load(Relaxed) {
        0 => {
            let stands_in = finds_own_malloc();
            STANDS_IN.store(1 + u8::from(stands_in), Relaxed);
            stands_in
        }
        known => known == 2,
    }
}

fn finds_own_malloc() -> bool {
    let own = [
        (c"malloc", malloc as *const c_void),
        (c"calloc", calloc as *const c_void),
        (c"realloc", realloc as *const c_void),
        (c"free", free as *const c_void),
    ];
    !own.into_iter().any(|(name, own)| is_another(name, own))
}

/// Counts a loss for an allocator whose blocks cannot be tracked.
fn say_what_is_not_seen() {
    if !stands_in_for_malloc() {
        TRACKER.on_loss(LossCause::OtherAllocator);
    } else if !tells_sizes() {
        TRACKER.on_loss(LossCause::NoUsableSize);
    }
}

/// `_exit`, by which shells and forked children end without their exit handlers. The dump is written all the same.
#[unsafe(export_name = "memtrack_preload__exit")]
pub extern "C" fn exit_at_once(status: c_int) -> ! {
    process::ends_at_once();
    loop {
        // SAFETY: the call ends the process.
        unsafe { libc::syscall(libc::SYS_exit_group, status) };
    }
}

/// `_Exit`, which is the same.
#[unsafe(export_name = "memtrack_preload__Exit")]
pub extern "C" fn exit_at_once_too(status: c_int) -> ! {
    exit_at_once(status)
}

#[unsafe(export_name = "_exi[t]")]
static EXIT: u8 = 0;
#[unsafe(export_name = "_Exi[t]")]
static EXIT_TOO: u8 = 0;

/// `dlclose`, which the tracker itself replaces.
#[unsafe(export_name = "dlclos[e]")]
static CLOSE: u8 = 0;

/// Functions by which a program changes its own rights; the tracker replaces these too.
#[unsafe(export_name = "prct[l]")]
static PRCTL: u8 = 0;
#[unsafe(export_name = "syscal[l]")]
static SYSCALL: u8 = 0;
#[unsafe(export_name = "unshar[e]")]
static UNSHARE: u8 = 0;
#[unsafe(export_name = "setn[s]")]
static SETNS: u8 = 0;
