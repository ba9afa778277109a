//! This process, and other processes by their ids.

use super::super::unix::library_calls::is_hidden;
use super::errno::keep_errno;
use super::{clock, information};
use crate::sync::*;

pub(crate) use super::ids::{id, parent};

/// A number that changes at each `exec`; 0 when the system offers none. With the id and the start time it identifies
/// the program that runs in a process.
///
/// Here: a checksum of an address, which the kernel chooses at random for a new program, and of the time at which it is asked first.
pub(crate) fn image_number() -> u32 {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let made = || {
        let mut bytes = [0; 16];
        bytes[..8].copy_from_slice(&(image_number as *const () as usize).to_ne_bytes());
        bytes[8..].copy_from_slice(&clock::monotonic().to_ne_bytes());
        memtrack_format::crc32(&bytes).max(1)
    };
    match NUMBER.load(Relaxed) {
        0 => {
            let number = made();
            NUMBER.compare_exchange(0, number, Relaxed, Relaxed).err().unwrap_or(number)
        }
        number => number,
    }
}

/// Copies the command line into `buffer`, with a NUL after each argument, and returns its length in bytes; 0 when it is unknown, or does
/// not fit.
pub(crate) fn command_line(buffer: &mut [u8]) -> usize {
    keep_errno(|| information::bytes(libc::KERN_PROC_ARGS, id() as libc::c_int, buffer)).unwrap_or(0)
}

/// The number of threads of this process; 0 when it is unknown. Outside the hook.
pub(crate) fn threads() -> u64 {
    information::process(id()).map_or(0, |process| u64::try_from(process.ki_numthreads).unwrap_or(0))
}

/// The start time of process `id`, in a unit of the system's choice (here microseconds since 1970). Two processes that
/// have had the same id differ in it. `None` when it is unknown, as for a process that has ended, or that is hidden.
pub(crate) fn started(id: u32) -> Option<u64> {
    keep_errno(|| information::process(id)).map(|process| start(&process))
}

fn start(process: &libc::kinfo_proc) -> u64 {
    process.ki_start.tv_sec as u64 * 1_000_000 + process.ki_start.tv_usec as u64
}

/// Whether the process runs that had this id and this start time; 0 matches any start time. A zombie does not run.
/// Where the start time is unknown, any process with the id counts.
pub(crate) fn is_running(id: u32, started: u64) -> bool {
    /// `SZOMB` of `sys/proc.h`.
    const ZOMBIE: libc::c_char = 5;
    match keep_errno(|| information::process(id)) {
        Some(process) => process.ki_stat != ZOMBIE && (started == start(&process) || started == 0),
        None => id != 0 && is_hidden(id),
    }
}
