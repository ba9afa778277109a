//! This process, and other processes by their ids.

use super::super::unix::library_calls::is_hidden;
use super::errno::keep_errno;
use core::ffi::{CStr, c_int};
use core::mem::MaybeUninit;

pub(crate) use super::ids::{id, parent};

/// The arguments of the program: their number and their address.
fn arguments() -> (usize, *const *mut libc::c_char) {
    // SAFETY: the calls return the addresses of the C library's own words, which it has set before the program begins.
    unsafe { (usize::try_from(*libc::_NSGetArgc()).unwrap_or(0), (*libc::_NSGetArgv()).cast_const()) }
}

/// A number that changes at each `exec`; 0 when the system offers none. With the id and the start time it identifies
/// the program that runs in a process.
///
/// Here: a checksum of two addresses, which the kernel chooses at random for a new program: of its code, and of its arguments.
pub(crate) fn image_number() -> u32 {
    let (code, (_, arguments)) = (image_number as *const () as usize, arguments());
    let mut bytes = [0; 16];
    bytes[..8].copy_from_slice(&code.to_ne_bytes());
    bytes[8..].copy_from_slice(&arguments.addr().to_ne_bytes());
    memtrack_format::crc32(&bytes)
}

/// Copies the command line into `buffer`, with a NUL after each argument, and returns its length in bytes. A command
/// line that is too long is cut off; 0 when it is unknown.
pub(crate) fn command_line(buffer: &mut [u8]) -> usize {
    let (count, arguments) = arguments();
    let mut length = 0;
    for place in 0..if arguments.is_null() { 0 } else { count } {
        // SAFETY: the array has that many addresses. Each is null or a C string, which the kernel wrote and nobody frees.
        let argument = unsafe {
            let argument = *arguments.add(place);
            if argument.is_null() { c"" } else { CStr::from_ptr(argument) }
        };
        let argument = argument.to_bytes_with_nul();
        let room = buffer.get_mut(length..).unwrap_or_default();
        let fits = argument.len().min(room.len());
        room[..fits].copy_from_slice(&argument[..fits]);
        length += fits;
    }
    length
}

/// The kernel's record of a kind about a process, or about a thread of it; `None` when the kernel has none, or refuses. Sets
/// `errno` when it fails.
///
/// # Safety
/// `T` must be the record of that kind, and all-zero and any bytes must be valid for it.
pub(super) unsafe fn information<T>(process: u32, kind: c_int, argument: u64) -> Option<T> {
    let mut record = MaybeUninit::<T>::zeroed();
    let size = size_of::<T>() as c_int;
    // SAFETY: the record is valid for its size.
    let written =
        unsafe { libc::proc_pidinfo(process as c_int, kind, argument, record.as_mut_ptr().cast(), size) };
    // SAFETY: the caller upholds that any bytes are a valid record.
    (written == size).then(|| unsafe { record.assume_init() })
}

/// The number of threads of this process; 0 when it is unknown. Outside the hook.
pub(crate) fn threads() -> u64 {
    // SAFETY: this is the record of the kind, and consists of integers.
    let task = unsafe { information::<libc::proc_taskinfo>(id(), libc::PROC_PIDTASKINFO, 0) };
    task.map_or(0, |task| u64::try_from(task.pti_threadnum).unwrap_or(0))
}

/// The start time of process `id`, in a unit of the system's choice (here microseconds since 1970). Two processes that
/// have had the same id differ in it. `None` when it is unknown, as for a process of another user, or one that has ended.
pub(crate) fn started(id: u32) -> Option<u64> {
    // SAFETY: this is the record of the kind, and consists of integers.
    let process = keep_errno(|| unsafe { information::<libc::proc_bsdinfo>(id, libc::PROC_PIDTBSDINFO, 0) })?;
    Some(process.pbi_start_tvsec * 1_000_000 + process.pbi_start_tvusec)
}

/// Whether the process runs that had this id and this start time; 0 matches any start time. A zombie does not run.
/// Where the start time is unknown, any process with the id counts.
pub(crate) fn is_running(id: u32, started: u64) -> bool {
    match self::started(id) {
        Some(start) => started == start || started == 0,
        None => id != 0 && is_hidden(id),
    }
}
