//! The unloading of libraries: facts about the code at their addresses become stale.
//!
//! The count of [`generations`] rises twice. It rises before the unloading, for other threads: one that then loads a library
//! at the same addresses has taken the lock of the dynamic linker after this thread has released it, so it sees the new
//! count. It rises after the unloading, for this thread: the library's destructors may have run here in between.

use super::{forks, generations, recording};
use crate::os::unwind_tables;
use crate::platform::Host;

impl Host {
    /// Runs a function that may unload libraries. Use it in a program that defines `dlclose` itself, and on Android: memtrack does not
    /// see those calls.
    pub fn unloading<T>(unload: impl FnOnce() -> T) -> T {
        before();
        let result = unload();
        forks::notice();
        after();
        result
    }
}

/// Before libraries may be unloaded.
pub(super) fn before() {
    generations::count_unloading();
    generations::before_unloading();
}

/// After libraries may have been unloaded.
pub(super) fn after() {
    generations::count_unloading();
    unwind_tables::unloaded();
    generations::after_unloading();
    recording::unloaded();
}

#[cfg(all(test, windows))]
mod tests {
    use super::*;
    use core::ffi::{c_char, c_void};
    use memtrack_format::Module;
    use std::string::String;
    use std::vec::Vec;

    unsafe extern "system" {
        fn LoadLibraryA(name: *const c_char) -> *mut c_void;
        fn FreeLibrary(library: *mut c_void) -> i32;
    }

    /// Whether each module with this name is unloaded.
    fn listed(name: &str) -> Vec<bool> {
        let mut found = Vec::new();
        generations::modules(&mut |module: &Module<'_>| {
            if String::from_utf8_lossy(module.path).to_lowercase().ends_with(name) {
                found.push(module.unloaded);
            }
        });
        found
    }

    #[test]
    fn a_library_is_listed_while_it_is_loaded_and_afterwards() {
        const NAME: &str = "\\version.dll";
        assert_eq!(listed(NAME), []);
        let before = generations::unloads();
        // SAFETY: the name ends with a NUL, and the library is the system's.
        let library = unsafe { LoadLibraryA(c"version.dll".as_ptr()) };
        assert!(!library.is_null());
        assert_eq!((listed(NAME), generations::unloads()), (std::vec![false], before));
        // SAFETY: the library was loaded above, and nothing of it is used.
        assert_ne!(unsafe { FreeLibrary(library) }, 0);
        assert_eq!(listed(NAME), [true]);
        assert!(generations::unloads() >= before + 2, "facts about its code are stale");
    }
}
