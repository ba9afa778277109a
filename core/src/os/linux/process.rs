//! This process, and other processes by their ids.

use super::errno::errno;
use super::{calls, file};
use core::ffi::CStr;

pub(crate) use super::ids::{id, parent};

/// A number that changes at each `exec`; 0 when the system offers none. With the id and the start time it identifies
/// the program that runs in a process.
///
/// Here: the checksum of the 16 random bytes that the kernel gives to a new program. The bytes are secret, because the
/// C library guards stacks with them. The checksum has too few bits to reveal them.
pub(crate) fn image_number() -> u32 {
    // SAFETY: the kernel writes sixteen bytes there before the program begins, and nobody frees them.
    unsafe {
        let random = libc::getauxval(libc::AT_RANDOM) as *const u8;
        if random.is_null() { 0 } else { memtrack_format::crc32(core::slice::from_raw_parts(random, 16)) }
    }
}

/// Copies the command line into `buffer`, with a NUL after each argument, and returns its length in bytes. A command
/// line that is too long is cut off; 0 when it is unknown.
pub(crate) fn command_line(buffer: &mut [u8]) -> usize {
    file::read(c"/proc/self/cmdline", buffer)
}

/// The number of threads of this process; 0 when it is unknown. Outside the hook.
pub(crate) fn threads() -> u64 {
    // SAFETY: the path is a C string. All-zero is a valid record, and the call fills it in when it returns 0.
    unsafe {
        let mut folder: libc::stat = core::mem::zeroed();
        let is_known = libc::stat(c"/proc/self/task".as_ptr(), &raw mut folder) == 0;
        // A folder's link count is 2 (its parent's entry and its own `.`) plus one for each folder in it.
        if is_known { (folder.st_nlink as u64).saturating_sub(2) } else { 0 }
    }
}

/// The start time of process `id`, in a unit of the system's choice (here clock ticks since boot). Two processes that
/// have had the same id differ in it. `None` when it is unknown: without `/proc`, or where `/proc` hides other users'
/// processes.
pub(crate) fn started(id: u32) -> Option<u64> {
    Some(state_and_start(id)?.1)
}

/// Whether the process runs that had this id and this start time; 0 matches any start time. A zombie does not run.
/// Where the start time is unknown, any process with the id counts.
pub(crate) fn is_running(id: u32, started: u64) -> bool {
    match state_and_start(id) {
        Some((state, start)) => !matches!(state, b'Z' | b'X') && (started == start || started == 0),
        None => id != 0 && (exists(id) || errno() != libc::ESRCH),
    }
}

fn exists(id: u32) -> bool {
    libc::pid_t::try_from(id).is_ok_and(|id| calls::check_process(id) == 0)
}

/// The address at which the kernel began the stack of this program, with the number of arguments; `None` without `/proc`.
pub(super) fn stack_begun() -> Option<usize> {
    let mut text = [0; 512];
    let read = file::read(c"/proc/self/stat", &mut text);
    usize::try_from(number(&text[..read], 28)?).ok().filter(|&begun| begun != 0)
}

fn state_and_start(id: u32) -> Option<(u8, u64)> {
    let mut path = heapless::String::<32>::new();
    core::fmt::write(&mut path, format_args!("/proc/{id}/stat\0")).ok()?;
    let mut text = [0; 512];
    let read = file::read(CStr::from_bytes_with_nul(path.as_bytes()).ok()?, &mut text);
    parse(&text[..read])
}

/// State and start time, which are fields 3 and 22 of `/proc/PID/stat`. The name in field 2 may hold any character.
fn parse(stat: &[u8]) -> Option<(u8, u64)> {
    let state = *field(stat, 3)?.first()?;
    Some((state, number(stat, 22)?))
}

/// A field behind the name, counted from 1.
fn field(stat: &[u8], nth: usize) -> Option<&[u8]> {
    let name = stat.iter().rposition(|&byte| byte == b')')?;
    let mut fields = stat.get(name + 1..)?.split(|&byte| byte == b' ').filter(|field| !field.is_empty());
    fields.nth(nth.checked_sub(3)?)
}

/// The number in a field.
fn number(stat: &[u8], nth: usize) -> Option<u64> {
    core::str::from_utf8(field(stat, nth)?).ok()?.trim_end().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_known_by_its_start() {
        let this = started(id()).unwrap();
        assert!(this > 0 && is_running(id(), this) && is_running(id(), 0));
        assert!(!is_running(id(), this + 1), "another process had the id");
        assert!(!is_running(0, 0));
    }

    #[test]
    fn names_of_processes_may_hold_anything() {
        let stat = b"17 (a) S (b) R 1 17 17 0 -1 4194560 1 0 0 0 1 2 0 0 20 0 1 0 4711 2 3";
        assert_eq!(parse(stat), Some((b'R', 4711)));
        assert_eq!(parse(b"17 (a) R 1 2"), None);
        assert_eq!(parse(b""), None);
    }
}
