//! The functions of the allocator below this library.
//!
//! In a program that links the static library they are the functions that the program would call otherwise. Under
//! `-Wl,--wrap` the linker names these `__real_malloc` …. In the shared library they are the next functions in the dynamic
//! linker's order, because that library may replace the first ones itself.

use super::by_name;
use super::objects::{are_of_one_object, next_after};
use core::cell::UnsafeCell;
use core::ffi::{CStr, c_char, c_int, c_void};
use core::mem::MaybeUninit;
use core::sync::atomic::{
    AtomicPtr, AtomicU8,
    Ordering::{AcqRel, Acquire, Release},
};

type Malloc = unsafe extern "C" fn(usize) -> *mut c_void;
pub(super) type Calloc = unsafe extern "C" fn(usize, usize) -> *mut c_void;
type Realloc = unsafe extern "C" fn(*mut c_void, usize) -> *mut c_void;
type Free = unsafe extern "C" fn(*mut c_void);
pub(super) type Memalign = unsafe extern "C" fn(usize, usize) -> *mut c_void;
type UsableSize = unsafe extern "C" fn(*mut c_void) -> usize;

/// The way to the allocator: there is one.
pub(crate) struct Way;

impl Way {
    /// By `malloc` and the functions beside it.
    pub(crate) const DEFAULT: Way = Way;
}

/// An allocator.
#[derive(Clone, Copy)]
pub(super) struct Functions {
    malloc: Malloc,
    calloc: Calloc,
    realloc: Realloc,
    free: Free,
    memalign: Memalign,
    usable_size: UsableSize,
}

impl Functions {
    /// # Safety
    /// As for [`crate::source::Source::allocate`].
    #[inline(always)]
    pub(super) unsafe fn allocate(&self, align: usize, size: usize, zeroed: bool) -> *mut c_void {
        // SAFETY: functions of C with these arguments.
        unsafe {
            match (align, zeroed) {
                (0, false) => (self.malloc)(size),
                (0, true) => (self.calloc)(1, size),
                _ => (self.memalign)(align, size),
            }
        }
    }

    /// # Safety
    /// `block` must be alive and this allocator's.
    pub(super) unsafe fn realloc(&self, block: *mut c_void, size: usize) -> *mut c_void {
        // SAFETY: the caller upholds it.
        unsafe { (self.realloc)(block, size) }
    }

    /// # Safety
    /// `block` must be alive and this allocator's.
    #[inline]
    pub(super) unsafe fn free(&self, block: *mut c_void) {
        // SAFETY: the caller upholds it.
        unsafe { (self.free)(block) }
    }

    /// # Safety
    /// `block` must be alive and this allocator's.
    #[inline]
    pub(super) unsafe fn usable(&self, block: *mut c_void) -> usize {
        // SAFETY: the caller upholds it.
        unsafe { (self.usable_size)(block) }
    }
}

/// Words that the linker fills in: 0 for a missing function.
#[repr(C)]
struct Linked {
    malloc: Option<Malloc>,
    calloc: Option<Calloc>,
    realloc: Option<Realloc>,
    free: Option<Free>,
    memalign: Option<Memalign>,
    usable_size: Option<UsableSize>,
    is_shared: usize,
}

/// If all functions of the C library's allocator are wrapped, nothing else would bring the allocator into a statically
/// linked program. This function is in the same object file.
#[cfg(not(target_env = "musl"))]
macro_rules! anchor {
    () => {
        ".dc.a malloc_trim"
    };
}

/// musl has no such function. Wrapped functions in a program that is linked with it statically do not work (`docs/c.md`).
#[cfg(target_env = "musl")]
macro_rules! anchor {
    () => {
        ""
    };
}

// `__real_malloc` … exist only under `--wrap`, `memtrack_is_shared` only in the shared library (see `build.rs`). So these
// are weak references, which stable Rust has only in assembly.
core::arch::global_asm!(
    ".pushsection .data.rel.ro.memtrack_linked,\"aw\"",
    ".balign 16",
    ".hidden memtrack_linked",
    ".globl memtrack_linked",
    "memtrack_linked:",
    ".irp name, __real_malloc, __real_calloc, __real_realloc, __real_free, __real_memalign",
    ".weak \\name",
    ".dc.a \\name",
    ".endr",
    ".weak __real_malloc_usable_size",
    ".dc.a __real_malloc_usable_size",
    ".weak memtrack_is_shared",
    ".dc.a memtrack_is_shared",
    anchor!(),
    ".popsection",
);

unsafe extern "C" {
    #[link_name = "memtrack_linked"]
    static LINKED: Linked;
    // musl's `memalign` calls this one, by a name that may be replaced.
    #[cfg_attr(target_env = "musl", link_name = "aligned_alloc")]
    fn memalign(align: usize, size: usize) -> *mut c_void;
    fn malloc_usable_size(block: *mut c_void) -> usize;
    static environ: *const *const c_char;
}

/// Whether this is the shared library.
#[inline]
pub(crate) fn is_shared() -> bool {
    // SAFETY: the word does not change once the program runs.
    unsafe { LINKED.is_shared != 0 }
}

/// The C library's list of environment variables; null before it is initialised.
pub(super) fn variables() -> *const *const c_char {
    // SAFETY: the C library sets the word before it calls other code.
    unsafe { environ }
}

struct Next {
    state: AtomicU8,
    functions: UnsafeCell<MaybeUninit<Functions>>,
}

// SAFETY: the functions are written once, before `state` says so.
unsafe impl Sync for Next {}

const UNKNOWN: u8 = 0;
const SEARCHING: u8 = 1;
const KNOWN: u8 = 2;

static NEXT: Next = Next { state: AtomicU8::new(UNKNOWN), functions: UnsafeCell::new(MaybeUninit::uninit()) };

/// The allocator below; `None` during the search for it.
#[inline]
pub(super) fn functions(_: &Way) -> Option<&'static Functions> {
    if NEXT.state.load(Acquire) == KNOWN {
        // SAFETY: they were written before.
        return Some(unsafe { (*NEXT.functions.get()).assume_init_ref() });
    }
    search()
}

#[cold]
#[inline(never)]
fn search() -> Option<&'static Functions> {
    match NEXT.state.compare_exchange(UNKNOWN, SEARCHING, AcqRel, Acquire) {
        Ok(_) => {
            let found = if is_shared() { next_object() } else { linked() };
            // SAFETY: only the caller that made the state SEARCHING writes, and nothing reads before it is KNOWN.
            unsafe { (*NEXT.functions.get()).write(found) };
            NEXT.state.store(KNOWN, Release);
            functions(&Way)
        }
        Err(KNOWN) => functions(&Way),
        // This thread, or another one, is in the middle of the search.
        Err(_) => None,
    }
}

/// musl's allocator calls its own functions by name.
const IS_MUSL: bool = cfg!(target_env = "musl");

/// The functions that the linker filled in.
fn linked() -> Functions {
    // SAFETY: the words are function pointers or null, and do not change once the program runs.
    let real = unsafe { &LINKED };
    let calloc = real.calloc.unwrap_or(libc::calloc);
    Functions {
        malloc: real.malloc.unwrap_or(libc::malloc),
        // The linker redirects musl's own call of `malloc` as well.
        calloc: if IS_MUSL { by_name::zeroed } else { calloc },
        realloc: real.realloc.unwrap_or(libc::realloc),
        free: real.free.unwrap_or(libc::free),
        memalign: real.memalign.filter(|_| !IS_MUSL).unwrap_or(memalign),
        usable_size: real.usable_size.unwrap_or(malloc_usable_size),
    }
}

/// The next functions in the dynamic linker's order.
///
/// A block's tail is found by the size that the allocator reports. An allocator may not report sizes, or may lack some of
/// the functions so that another object has them. It then gets the program's requests unchanged, and all its blocks are
/// foreign.
fn next_object() -> Functions {
    let [malloc, calloc, realloc, free] = [c"malloc", c"calloc", c"realloc", c"free"].map(next_after);
    let beside = |name: &CStr| Some(next_after(name)).filter(|&address| are_of_one_object(malloc, address));
    let is_whole = [calloc, realloc, free].into_iter().all(|address| are_of_one_object(malloc, address));
    let posix_memalign = beside(c"posix_memalign");
    POSIX_MEMALIGN.store(posix_memalign.unwrap_or(core::ptr::null_mut()), Release);
    let own_memalign = beside(c"memalign");
    let by_posix = posix_memalign.map(|_| by_posix_memalign as Memalign);
    let usable_size =
        beside(c"malloc_usable_size").filter(|_| is_whole && (own_memalign.is_some() || by_posix.is_some()));
    // SAFETY: these are the dynamic linker's functions of these names. A function that no object has is null, and a program
    // without an allocator does not get as far as calling it.
    let mut functions = unsafe {
        Functions {
            malloc: core::mem::transmute::<*mut c_void, Malloc>(malloc),
            calloc: core::mem::transmute::<*mut c_void, Calloc>(calloc),
            realloc: core::mem::transmute::<*mut c_void, Realloc>(realloc),
            free: core::mem::transmute::<*mut c_void, Free>(free),
            memalign: match (own_memalign, by_posix) {
                (None, Some(by_posix)) => by_posix,
                (own, _) => core::mem::transmute::<*mut c_void, Memalign>(
                    own.unwrap_or_else(|| next_after(c"memalign")),
                ),
            },
            usable_size: match usable_size {
                Some(usable_size) => core::mem::transmute::<*mut c_void, UsableSize>(usable_size),
                None => untold,
            },
        }
    };
    if IS_MUSL {
        // SAFETY: they are the allocator's functions, and the search goes on. `aligned_alloc` has the type of `memalign`.
        unsafe {
            let aligned_alloc = beside(c"aligned_alloc")
                .map(|function| core::mem::transmute::<*mut c_void, Memalign>(function));
            functions.calloc = by_name::calloc(functions.calloc);
            functions.memalign = by_name::memalign(functions.memalign, aligned_alloc);
        }
    }
    // An allocator may initialise itself in the first call, by `operator new`. That call comes here and gets an early block.
    // SAFETY: the block is used as `malloc` allows.
    unsafe {
        let block = functions.allocate(0, 1, false);
        if !block.is_null() {
            functions.usable(block);
            functions.free(block);
        }
    }
    functions
}

/// The size of a block whose allocator reports none: too small for a tail.
unsafe extern "C" fn untold(_: *mut c_void) -> usize {
    0
}

/// The next allocator's `posix_memalign`, if it has no `memalign`.
static POSIX_MEMALIGN: AtomicPtr<c_void> = AtomicPtr::new(core::ptr::null_mut());

unsafe extern "C" fn by_posix_memalign(align: usize, size: usize) -> *mut c_void {
    type Function = unsafe extern "C" fn(*mut *mut c_void, usize, usize) -> c_int;
    let (mut block, function) = (core::ptr::null_mut(), POSIX_MEMALIGN.load(Acquire));
    let align = align.max(size_of::<usize>()).checked_next_power_of_two().unwrap_or(0);
    // SAFETY: the function was found before this one was chosen; it writes to `block` when it returns 0.
    let code =
        unsafe { core::mem::transmute::<*mut c_void, Function>(function)(&raw mut block, align, size) };
    if code == 0 {
        return block;
    }
    crate::error_number::set_errno(code);
    core::ptr::null_mut()
}

/// Whether the allocator below reports the sizes of blocks, so that they can be tracked.
pub(crate) fn tells_sizes() -> bool {
    functions(&Way).is_none_or(|next| !core::ptr::fn_addr_eq(next.usable_size, untold as UsableSize))
}

/// Whether a function is in the same object as the `malloc` below, and that `malloc` is tracked. `None` during the search
/// for it.
pub(crate) fn is_beside_next(function: *mut c_void) -> Option<bool> {
    let next = functions(&Way)?;
    Some(tells_sizes() && are_of_one_object(next.malloc as *mut c_void, function))
}
