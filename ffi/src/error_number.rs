//! `errno`, and the error number of a file: on Windows that is the system's last error.

#[cfg(hosted)]
pub(crate) use imp::path_too_long;
pub(crate) use imp::{errno, set_errno, set_of_file};

#[cfg(library_blocks)]
mod imp {
    #[cfg(preloading)]
    use libc::__errno_location as location;
    #[cfg(interposing)]
    use libc::__error as location;

    /// Sets `errno`.
    pub(crate) fn set_errno(number: i32) {
        // SAFETY: the location is the calling thread's own for its whole life.
        unsafe { *location() = number };
    }

    /// `errno`.
    pub(crate) fn errno() -> i32 {
        // SAFETY: as in `set_errno`.
        unsafe { *location() }
    }

    /// Reports the error number of a file.
    pub(crate) fn set_of_file(number: i32) {
        set_errno(number);
    }

    /// Reports a path that is longer than the system allows.
    pub(crate) fn path_too_long() {
        set_errno(libc::ENAMETOOLONG);
    }
}

#[cfg(aligned_blocks)]
mod imp {
    /// `ERROR_FILENAME_EXCED_RANGE`.
    const PATH_TOO_LONG: u32 = 206;

    #[link(name = "kernel32")]
    unsafe extern "system" {
        fn SetLastError(error: u32);
    }

    unsafe extern "C" {
        fn _errno() -> *mut i32;
    }

    /// Sets `errno`, of the C library that this library is linked with.
    pub(crate) fn set_errno(number: i32) {
        // SAFETY: the location is the calling thread's own for its whole life.
        unsafe { *_errno() = number };
    }

    /// `errno` of that library.
    pub(crate) fn errno() -> i32 {
        // SAFETY: as in `set_errno`.
        unsafe { *_errno() }
    }

    /// Reports the error number of a file.
    pub(crate) fn set_of_file(number: i32) {
        // SAFETY: the call only stores a number.
        unsafe { SetLastError(number.cast_unsigned()) };
    }

    /// Reports a path that is longer than the system allows.
    pub(crate) fn path_too_long() {
        // SAFETY: as in `set_of_file`.
        unsafe { SetLastError(PATH_TOO_LONG) };
    }
}

/// Bare metal: the location of `errno` is not known, and there are no files.
#[cfg(not(hosted))]
mod imp {
    pub(crate) fn set_errno(_: i32) {}

    pub(crate) fn errno() -> i32 {
        0
    }

    pub(crate) fn set_of_file(_: i32) {}
}
