//! `dlclose`, which unloads libraries.
//!
//! The dynamic linker reports it to nobody, and asking it takes its lock. So memtrack defines the function: by a weak
//! symbol, which a program that is linked dynamically takes instead of the C library's, unless it has one of its own.

#[cfg(all(cfi, target_env = "gnu"))]
pub(crate) use in_place::{begin, next};

/// There is no function to stand in for, or none that unloads.
#[cfg(not(all(cfi, target_env = "gnu")))]
pub(crate) fn begin() {}

/// In the place of the C library's function.
#[cfg(all(cfi, target_env = "gnu"))]
mod in_place {
    use crate::os::callbacks::interposed;
    use crate::sync::*;
    use core::ffi::{CStr, c_char, c_int, c_void};

    #[cfg(target_arch = "x86_64")]
    macro_rules! jump {
        () => {
            "jmp {close}"
        };
    }
    #[cfg(target_arch = "aarch64")]
    macro_rules! jump {
        () => {
            "b {close}"
        };
    }
    #[cfg(target_arch = "riscv64")]
    macro_rules! jump {
        () => {
            "tail {close}"
        };
    }

    // `dlsym` need not be there either: a program that is linked statically cannot unload, and linkers warn of it there.
    core::arch::global_asm!(
        ".pushsection .text.memtrack_dlclose,\"ax\",@progbits",
        ".weak dlclose",
        ".type dlclose,@function",
        "dlclose:",
        jump!(),
        ".size dlclose, . - dlclose",
        ".popsection",
        ".pushsection .data.rel.ro.memtrack_dlsym,\"aw\"",
        ".p2align 3",
        ".weak dlsym",
        ".hidden memtrack_dlsym",
        ".globl memtrack_dlsym",
        "memtrack_dlsym:",
        ".quad dlsym",
        ".popsection",
        close = sym close,
    );

    unsafe extern "C" {
        #[link_name = "memtrack_dlsym"]
        static DLSYM: Option<unsafe extern "C" fn(*mut c_void, *const c_char) -> *mut c_void>;
    }

    type Close = unsafe extern "C" fn(*mut c_void) -> c_int;

    /// The function of that name that is next in the order of the dynamic linker: the C library's.
    static NEXT: AtomicPtr<c_void> = AtomicPtr::new(core::ptr::null_mut());

    /// At the program's start, which is in every program and so brings this file into it: finds the function.
    pub(crate) fn begin() {
        NEXT.store(next(c"dlclose"), Release);
    }

    /// The function of a name that is next in the order of the dynamic linker: the C library's. Null where there is none.
    pub(crate) fn next(name: &CStr) -> *mut c_void {
        // SAFETY: the word is the C library's function or null, and does not change once the program runs.
        match unsafe { DLSYM } {
            // SAFETY: the name is a string.
            Some(dlsym) => unsafe { dlsym(libc::RTLD_NEXT, name.as_ptr()) },
            None => core::ptr::null_mut(),
        }
    }

    /// `dlclose`: 0, or another number when there is nothing to be closed.
    unsafe extern "C" fn close(library: *mut c_void) -> c_int {
        if NEXT.load(Acquire).is_null() {
            begin();
        }
        let next = NEXT.load(Acquire);
        if next.is_null() {
            return -1;
        }
        // SAFETY: the C library's function of that name, or whoever stands in for it too.
        let next = unsafe { core::mem::transmute::<*mut c_void, Close>(next) };
        // SAFETY: the caller has the library from `dlopen`.
        let close = || unsafe { next(library) };
        let Some(interposed) = interposed() else { return close() };
        (interposed.before_unloading)();
        let result = close();
        (interposed.after_unloading)();
        result
    }
}
