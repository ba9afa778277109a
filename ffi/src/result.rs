//! Result codes, their texts, and the version.

#![allow(non_camel_case_types, reason = "names as C knows them")]

use crate::error_number;
use core::ffi::{CStr, c_char};
use memtrack_core::Error;

/// The result of a function: `MEMTRACK_OK` or one of the `MEMTRACK_ERROR_…` codes.
pub type memtrack_result_t = i32;

/// Success.
pub const MEMTRACK_OK: i32 = 0;
/// An argument that must not be NULL is NULL.
pub const MEMTRACK_ERROR_NULL: i32 = 1;
/// The `size` of a struct is not that of any version: set it to `sizeof` the struct before the call.
pub const MEMTRACK_ERROR_SIZE: i32 = 2;
/// There is no room for another nested stage, tag or heap. Nothing was begun.
pub const MEMTRACK_ERROR_FULL: i32 = 3;
/// There is no stage or tag to end.
pub const MEMTRACK_ERROR_NONE: i32 = 4;
/// The token or heap was never handed out.
pub const MEMTRACK_ERROR_INVALID: i32 = 5;
/// The sink of a dump refused the bytes. The bytes that it took before are readable.
pub const MEMTRACK_ERROR_SINK: i32 = 6;
/// A file could not be written; `errno` says why, on Windows `GetLastError`.
pub const MEMTRACK_ERROR_FILE: i32 = 7;
/// Another dump is being written, and continues.
pub const MEMTRACK_ERROR_BUSY: i32 = 8;
/// The allocator or the platform is in use already: set both before the first block is allocated.
pub const MEMTRACK_ERROR_TOO_LATE: i32 = 9;
/// This target does not have the feature: no files on bare metal, no stack to set on a host.
pub const MEMTRACK_ERROR_UNSUPPORTED: i32 = 10;
/// The tracker does not work: another tracker in this process has its tables, or there was no memory for them.
pub const MEMTRACK_ERROR_TRACKER: i32 = 11;
/// The bounds of a stack are not those of a stack: the lowest address is not below the end.
pub const MEMTRACK_ERROR_BOUNDS: i32 = 12;

/// The major number of the header's version.
pub const MEMTRACK_VERSION_MAJOR: u32 = 0;
/// The minor number of the header's version.
pub const MEMTRACK_VERSION_MINOR: u32 = 1;
/// The patch number of the header's version.
pub const MEMTRACK_VERSION_PATCH: u32 = 0;

const VERSION: &str = concat!(env!("CARGO_PKG_VERSION"), "\0");
const _: () = {
    let numbers = [MEMTRACK_VERSION_MAJOR, MEMTRACK_VERSION_MINOR, MEMTRACK_VERSION_PATCH];
    let packaged = [
        env!("CARGO_PKG_VERSION_MAJOR").as_bytes(),
        env!("CARGO_PKG_VERSION_MINOR").as_bytes(),
        env!("CARGO_PKG_VERSION_PATCH").as_bytes(),
    ];
    let mut at = 0;
    while at < packaged.len() {
        let (mut number, mut digit) = (0, 0);
        while digit < packaged[at].len() {
            number = number * 10 + (packaged[at][digit] - b'0') as u32;
            digit += 1;
        }
        assert!(number == numbers[at], "the header's version is the package's");
        at += 1;
    }
};

/// The version of the loaded library as text: "0.1.0". It may differ from the header's version
/// (`MEMTRACK_VERSION_MAJOR` …). Never NULL; valid for ever. Thread- and interrupt-safe.
#[unsafe(no_mangle)]
pub extern "C" fn memtrack_version() -> *const c_char {
    VERSION.as_ptr().cast()
}

/// The version of the loaded library as a number: major · 10⁶ + minor · 10³ + patch, so that later versions are larger.
/// Thread- and interrupt-safe.
#[unsafe(no_mangle)]
pub extern "C" fn memtrack_version_number() -> u32 {
    MEMTRACK_VERSION_MAJOR * 1_000_000 + MEMTRACK_VERSION_MINOR * 1_000 + MEMTRACK_VERSION_PATCH
}

/// A sentence in English that explains a result code and says what to do. Never NULL, for any code; valid for ever.
/// Thread- and interrupt-safe.
#[unsafe(no_mangle)]
pub extern "C" fn memtrack_strerror(code: memtrack_result_t) -> *const c_char {
    message(code).as_ptr()
}

fn message(code: memtrack_result_t) -> &'static CStr {
    match code {
        MEMTRACK_OK => c"success",
        MEMTRACK_ERROR_NULL => c"an argument that must not be NULL is NULL",
        MEMTRACK_ERROR_SIZE => c"the struct's size is wrong: set its member `size` to sizeof the struct",
        MEMTRACK_ERROR_FULL => c"no room for one more: end a stage first, or use fewer names",
        MEMTRACK_ERROR_NONE => c"there is no stage or tag to end",
        MEMTRACK_ERROR_INVALID => c"the token or heap was never handed out",
        MEMTRACK_ERROR_SINK => c"the dump's sink refused the bytes: the bytes written before are readable",
        MEMTRACK_ERROR_FILE if cfg!(windows) => c"the file could not be written: GetLastError says why",
        MEMTRACK_ERROR_FILE => c"the file could not be written: errno says why",
        MEMTRACK_ERROR_BUSY => c"another dump is being written: try again later",
        MEMTRACK_ERROR_TOO_LATE => {
            c"the allocator or the platform is in use already: set both before the first block is allocated"
        }
        MEMTRACK_ERROR_UNSUPPORTED => c"this target does not have the feature",
        MEMTRACK_ERROR_TRACKER => {
            c"the tracker has no tables: another tracker in this process uses them (link memtrack once), or there was no memory (ulimit -v)"
        },
        MEMTRACK_ERROR_BOUNDS => {
            c"the stack's lowest address is not below its end: pass both, so that stacks are captured"
        }
        _ => c"unknown code: it may come from a later version of the library",
    }
}

/// The code of an error. The error number of a file goes where the system's own functions leave it.
pub(crate) fn code(result: Result<(), Error>) -> memtrack_result_t {
    match result {
        Ok(()) => MEMTRACK_OK,
        Err(Error::Sink(_)) => MEMTRACK_ERROR_SINK,
        Err(Error::File(number)) => {
            error_number::set_of_file(number);
            MEMTRACK_ERROR_FILE
        }
        #[cfg(hosted)]
        Err(Error::PathTooLong) => {
            error_number::path_too_long();
            MEMTRACK_ERROR_FILE
        }
        Err(Error::DumpRunning) => MEMTRACK_ERROR_BUSY,
        Err(Error::HeapsFull) => MEMTRACK_ERROR_FULL,
        Err(_) => MEMTRACK_ERROR_TRACKER,
    }
}

/// `MEMTRACK_OK` if the work was done, otherwise the code of the failure.
pub(crate) fn done(done: bool, otherwise: memtrack_result_t) -> memtrack_result_t {
    if done { MEMTRACK_OK } else { otherwise }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_a_text_of_its_own() {
        let texts: Vec<_> = (-1..=MEMTRACK_ERROR_BOUNDS + 1).map(message).collect();
        let known = &texts[1..texts.len() - 1];
        for (at, text) in known.iter().enumerate() {
            assert!(!known[..at].contains(text) && *text != texts[0], "{text:?}");
        }
        assert_eq!(texts[0], texts[texts.len() - 1]);
    }
}
