//! Dumps, to a sink of the program or to files.

#![allow(non_camel_case_types, reason = "names as C knows them")]

use crate::result::{MEMTRACK_ERROR_NULL, code, memtrack_result_t};
use crate::tracker::TRACKER;
use core::ffi::{c_char, c_int, c_void};
use core::fmt::Write as _;

/// Takes the next `size` bytes of a dump, a report or metrics. Returns 0 if it took all of them; any other value ends the
/// writing. It must return (no `longjmp`, no C++ exception), and must not write a dump itself.
pub type memtrack_write_fn =
    Option<unsafe extern "C" fn(context: *mut c_void, data: *const u8, size: usize) -> c_int>;

/// The program's sink.
struct Sink {
    write: unsafe extern "C" fn(*mut c_void, *const u8, usize) -> c_int,
    context: *mut c_void,
}

/// The sink's function refused the bytes.
#[derive(Debug)]
struct Refused;

impl core::fmt::Display for Refused {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("the sink refused the bytes")
    }
}

impl core::error::Error for Refused {}

impl embedded_io::Error for Refused {
    fn kind(&self) -> embedded_io::ErrorKind {
        embedded_io::ErrorKind::Other
    }
}

impl embedded_io::ErrorType for Sink {
    type Error = Refused;
}

impl embedded_io::Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> Result<usize, Refused> {
        // SAFETY: the program passed function and context together, for the duration of the call.
        match unsafe { (self.write)(self.context, bytes.as_ptr(), bytes.len()) } {
            0 => Ok(bytes.len()),
            _ => Err(Refused),
        }
    }

    fn flush(&mut self) -> Result<(), Refused> {
        Ok(())
    }
}

impl core::fmt::Write for Sink {
    fn write_str(&mut self, text: &str) -> core::fmt::Result {
        embedded_io::Write::write(self, text.as_bytes()).map(drop).map_err(|_| core::fmt::Error)
    }
}

/// Writes a snapshot of the whole program to `write`, in pieces of a few hundred bytes to a few kilobytes; `memtrack-fold`
/// reads it. `context` is passed to `write`. Allocates nothing. Thread-safe; other threads go on. Not for interrupts.
///
/// `MEMTRACK_ERROR_NULL` if `write` is NULL, `MEMTRACK_ERROR_SINK` if it refused the bytes.
///
/// # Safety
/// `write` must be NULL or a function that may be called with `context`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn memtrack_dump(write: memtrack_write_fn, context: *mut c_void) -> memtrack_result_t {
    let Some(write) = write else { return MEMTRACK_ERROR_NULL };
    code(TRACKER.dump(&mut Sink { write, context }))
}

/// Writes the report to `write`, as UTF-8 text for people: losses, totals, stages and threads by peak; on hosts also live
/// bytes over time and allocations by size. Allocates nothing. Thread-safe.
///
/// `MEMTRACK_ERROR_NULL` if `write` is NULL, `MEMTRACK_ERROR_SINK` if it refused the bytes.
///
/// # Safety
/// `write` must be NULL or a function that may be called with `context`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn memtrack_report(
    write: memtrack_write_fn,
    context: *mut c_void,
) -> memtrack_result_t {
    let Some(write) = write else { return MEMTRACK_ERROR_NULL };
    match write!(Sink { write, context }, "{}", TRACKER.report()) {
        Ok(()) => crate::result::MEMTRACK_OK,
        Err(_) => crate::result::MEMTRACK_ERROR_SINK,
    }
}

/// Writes the figures to `write` in the text format of Prometheus (version 0.0.4): live, peak, allocations, bytes and
/// failures of the program; figures by thread and by stage; losses by cause. Allocates nothing. Thread-safe.
///
/// `MEMTRACK_ERROR_NULL` if `write` is NULL, `MEMTRACK_ERROR_SINK` if it refused the bytes.
///
/// # Safety
/// `write` must be NULL or a function that may be called with `context`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn memtrack_metrics(
    write: memtrack_write_fn,
    context: *mut c_void,
) -> memtrack_result_t {
    let Some(write) = write else { return MEMTRACK_ERROR_NULL };
    code(TRACKER.metrics(&mut Sink { write, context }))
}

/// Writes a snapshot of the whole program to a file, and replaces the file's contents. Allocates nothing. Thread-safe.
///
/// `MEMTRACK_ERROR_NULL` if `path` is NULL, `MEMTRACK_ERROR_FILE` (and `errno`) if the file could not be written,
/// `MEMTRACK_ERROR_UNSUPPORTED` on bare metal. On Windows the path is UTF-8, and `GetLastError` has the error number.
///
/// # Safety
/// `path` must be NULL or a string.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn memtrack_dump_file(path: *const c_char) -> memtrack_result_t {
    #[cfg(hosted)]
    // SAFETY: the caller upholds it.
    return unsafe { with_path(path, |path| TRACKER.dump_to_path(path)) };
    #[cfg(not(hosted))]
    return no_files(path);
}

/// From now on each stage that ends appends its own snapshot to a file: the live blocks of every stack at the stage's peak.
/// The call replaces the file's contents. The environment variable `MEMTRACK_DUMP=path` implies it. Thread-safe.
///
/// The errors are those of `memtrack_dump_file`.
///
/// # Safety
/// `path` must be NULL or a string.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn memtrack_dump_stages_to(path: *const c_char) -> memtrack_result_t {
    #[cfg(hosted)]
    // SAFETY: the caller upholds it.
    return unsafe { with_path(path, |path| TRACKER.dump_stages_to(path)) };
    #[cfg(not(hosted))]
    return no_files(path);
}

/// Calls `with` with a path.
///
/// # Safety
/// `path` must be NULL or a string.
#[cfg(hosted)]
unsafe fn with_path(
    path: *const c_char,
    with: impl FnOnce(&std::path::Path) -> Result<(), memtrack_core::Error>,
) -> memtrack_result_t {
    if path.is_null() {
        return MEMTRACK_ERROR_NULL;
    }
    // SAFETY: it is not null, and the caller upholds the rest.
    let bytes = unsafe { core::ffi::CStr::from_ptr(path) }.to_bytes();
    match path_of(bytes) {
        Ok(path) => code(with(path)),
        Err(error) => code(Err(error)),
    }
}

#[cfg(all(hosted, unix))]
fn path_of(bytes: &[u8]) -> Result<&std::path::Path, memtrack_core::Error> {
    use std::os::unix::ffi::OsStrExt;
    Ok(std::path::Path::new(std::ffi::OsStr::from_bytes(bytes)))
}

/// A path of Windows is text, which the system stores as UTF-16.
#[cfg(all(hosted, windows))]
fn path_of(bytes: &[u8]) -> Result<&std::path::Path, memtrack_core::Error> {
    /// `ERROR_INVALID_NAME`.
    const INVALID_NAME: i32 = 123;
    let text = core::str::from_utf8(bytes).map_err(|_| memtrack_core::Error::File(INVALID_NAME))?;
    Ok(std::path::Path::new(text))
}

#[cfg(not(hosted))]
fn no_files(_: *const c_char) -> memtrack_result_t {
    crate::result::MEMTRACK_ERROR_UNSUPPORTED
}
