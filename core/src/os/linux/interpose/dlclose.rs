//! `dlclose`, which unloads libraries. The dynamic linker reports that to nobody, and a question to it takes its lock.

#[cfg(interposing)]
pub(crate) use in_place::{begin, next};

/// Here the function is not interposed.
#[cfg(not(interposing))]
pub(crate) fn begin() {}

/// The function that replaces the C library's.
#[cfg(interposing)]
mod in_place {
    use crate::os::callbacks::interposed;
    use crate::sync::*;
    use core::ffi::{CStr, c_char, c_int, c_void};

    // `dlsym` is weak, too: a program that is linked statically cannot unload libraries, and there linkers warn of
    // `dlsym`.
    core::arch::global_asm!(
        ".pushsection .text.memtrack_dlclose,\"ax\",%progbits",
        ".weak dlclose",
        ".type dlclose,%function",
        "dlclose:",
        jump!("close"),
        ".size dlclose, . - dlclose",
        ".popsection",
        ".pushsection .data.rel.ro.memtrack_dlsym,\"aw\"",
        ".balign 8",
        ".weak dlsym",
        ".hidden memtrack_dlsym",
        ".globl memtrack_dlsym",
        "memtrack_dlsym:",
        ".dc.a dlsym",
        ".popsection",
        close = sym close,
    );

    unsafe extern "C" {
        #[link_name = "memtrack_dlsym"]
        static DLSYM: Option<unsafe extern "C" fn(*mut c_void, *const c_char) -> *mut c_void>;
    }

    type Close = unsafe extern "C" fn(*mut c_void) -> c_int;

    /// The C library's function; null before it is looked up, and where there is none.
    static NEXT: AtomicPtr<c_void> = AtomicPtr::new(core::ptr::null_mut());

    /// Looks up the C library's function.
    pub(crate) fn begin() {
        NEXT.store(next(c"dlclose"), Release);
    }

    /// The next function of a name in the search order of the dynamic linker, which is the C library's. Null when there
    /// is none.
    pub(crate) fn next(name: &CStr) -> *mut c_void {
        // SAFETY: the dynamic linker has set the word to the C library's function or null, before the program runs.
        match unsafe { DLSYM } {
            // SAFETY: the name is a C string.
            Some(dlsym) => unsafe { dlsym(libc::RTLD_NEXT, name.as_ptr()) },
            None => core::ptr::null_mut(),
        }
    }

    /// `dlclose`. Returns 0, or another number for an error.
    unsafe extern "C" fn close(library: *mut c_void) -> c_int {
        if NEXT.load(Acquire).is_null() {
            begin();
        }
        let next = NEXT.load(Acquire);
        if next.is_null() {
            return -1;
        }
        // SAFETY: the function is the C library's `dlclose`, or one of the same type that replaces it.
        let next = unsafe { core::mem::transmute::<*mut c_void, Close>(next) };
        // SAFETY: the caller upholds that the library is from `dlopen`.
        let close = || unsafe { next(library) };
        let Some(interposed) = interposed() else { return close() };
        (interposed.before_unloading)();
        let result = close();
        (interposed.after_unloading)();
        result
    }
}
