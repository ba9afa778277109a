//! The functions of the allocator underneath.
//!
//! In a program that the static library is linked into, they are the ones that the program would call; under
//! `-Wl,--wrap` those that the linker calls `__real_malloc` …. In the shared library they are the next ones in the order
//! of the dynamic linker, because that library may stand in for them itself.

use core::cell::UnsafeCell;
use core::ffi::{CStr, c_char, c_void};
use core::mem::MaybeUninit;
use core::sync::atomic::{
    AtomicU8,
    Ordering::{AcqRel, Acquire, Release},
};

type Malloc = unsafe extern "C" fn(usize) -> *mut c_void;
type Calloc = unsafe extern "C" fn(usize, usize) -> *mut c_void;
type Realloc = unsafe extern "C" fn(*mut c_void, usize) -> *mut c_void;
type Free = unsafe extern "C" fn(*mut c_void);
type Memalign = unsafe extern "C" fn(usize, usize) -> *mut c_void;
type UsableSize = unsafe extern "C" fn(*mut c_void) -> usize;

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

/// Words that the linker fills in: 0 for what there is not.
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

// `__real_malloc` … are there under `--wrap` alone, `memtrack_is_shared` in the shared library alone (see `build.rs`).
// References that need not be met, in an assembly of their own because Rust has no stable ones.
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
    // Where all of the C library's allocator is wrapped, nothing else would bring it into a program that is linked
    // statically; this function stands in the same file of it.
    ".dc.a malloc_trim",
    ".popsection",
);

unsafe extern "C" {
    #[link_name = "memtrack_linked"]
    static LINKED: Linked;
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

/// The value of an environment variable; `Err` when the C library has not begun yet.
pub(crate) fn environment(name: &[u8]) -> Result<Option<&'static [u8]>, ()> {
    // SAFETY: the C library's list of strings ends in null. It is read where programs start, before they change it.
    unsafe {
        let mut at = environ;
        if at.is_null() {
            return Err(());
        }
        while !(*at).is_null() {
            let entry = CStr::from_ptr(*at).to_bytes();
            if let Some(value) = entry.strip_prefix(name).and_then(|rest| rest.strip_prefix(b"=")) {
                return Ok(Some(value));
            }
            at = at.add(1);
        }
    }
    Ok(None)
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

/// The allocator underneath; `None` while it is being looked for.
#[inline]
pub(super) fn functions() -> Option<&'static Functions> {
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
            // SAFETY: only who made the state SEARCHING writes, and nobody reads before it is KNOWN.
            unsafe { (*NEXT.functions.get()).write(found) };
            NEXT.state.store(KNOWN, Release);
            functions()
        }
        Err(KNOWN) => functions(),
        // This thread in the middle of looking for it, or another one.
        Err(_) => None,
    }
}

/// What the linker has put in.
fn linked() -> Functions {
    // SAFETY: the words are function pointers or null, and do not change once the program runs.
    let real = unsafe { &LINKED };
    Functions {
        malloc: real.malloc.unwrap_or(libc::malloc),
        calloc: real.calloc.unwrap_or(libc::calloc),
        realloc: real.realloc.unwrap_or(libc::realloc),
        free: real.free.unwrap_or(libc::free),
        memalign: real.memalign.unwrap_or(memalign),
        usable_size: real.usable_size.unwrap_or(malloc_usable_size),
    }
}

/// The functions of the next object that has them. All of one object: when another library brings its own `malloc`
/// without all of the family, the C library's own functions serve and that library is left out.
fn next_object() -> Functions {
    let family = [c"malloc", c"calloc", c"realloc", c"free", c"memalign", c"malloc_usable_size"];
    let own = [
        c"__libc_malloc",
        c"__libc_calloc",
        c"__libc_realloc",
        c"__libc_free",
        c"__libc_memalign",
        c"malloc_usable_size",
    ];
    let found = of_one_object(family).or_else(|| of_one_object(own)).unwrap_or_else(|| family.map(find));
    let [malloc, calloc, realloc, free, memalign, usable_size] = found;
    // SAFETY: the dynamic linker's functions of these names. One that nobody has is null, and a program in which nobody
    // can allocate does not get as far as calling it.
    unsafe {
        Functions {
            malloc: core::mem::transmute::<*mut c_void, Malloc>(malloc),
            calloc: core::mem::transmute::<*mut c_void, Calloc>(calloc),
            realloc: core::mem::transmute::<*mut c_void, Realloc>(realloc),
            free: core::mem::transmute::<*mut c_void, Free>(free),
            memalign: core::mem::transmute::<*mut c_void, Memalign>(memalign),
            usable_size: core::mem::transmute::<*mut c_void, UsableSize>(usable_size),
        }
    }
}

fn find(name: &CStr) -> *mut c_void {
    // SAFETY: the name is a string; the call may allocate, for which there are early blocks.
    unsafe { libc::dlsym(libc::RTLD_NEXT, name.as_ptr()) }
}

/// The addresses of functions, when all are there and in one object.
fn of_one_object(names: [&CStr; 6]) -> Option<[*mut c_void; 6]> {
    let found = names.map(find);
    let object = |address: *mut c_void| {
        let mut info = MaybeUninit::<libc::Dl_info>::uninit();
        // SAFETY: the call fills the record in when it does not return 0.
        (!address.is_null() && unsafe { libc::dladdr(address, info.as_mut_ptr()) } != 0)
            // SAFETY: as above.
            .then(|| unsafe { info.assume_init() }.dli_fbase)
    };
    let first = object(found[0])?;
    found.iter().all(|&address| object(address) == Some(first)).then_some(found)
}
