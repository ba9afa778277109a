//! The process that records.

use std::path::PathBuf;

/// Whether a process runs.
#[cfg(target_os = "linux")]
pub(super) fn is_running(pid: u32) -> bool {
    // A zombie has no mappings left.
    std::fs::read(format!("/proc/{pid}/maps")).is_ok_and(|maps| !maps.is_empty())
}

/// Whether a process runs. A process of another user counts as running.
#[cfg(all(unix, not(target_os = "linux")))]
pub(super) fn is_running(pid: u32) -> bool {
    let Ok(pid) = libc::pid_t::try_from(pid) else { return false };
    // SAFETY: signal 0 only asks whether the process exists.
    let exists = unsafe { libc::kill(pid, 0) } == 0;
    exists || std::io::Error::last_os_error().raw_os_error() == Some(libc::EPERM)
}

/// Whether a process runs.
#[cfg(windows)]
pub(super) fn is_running(pid: u32) -> bool {
    use windows_sys::Win32::Foundation::{CloseHandle, STILL_ACTIVE};
    use windows_sys::Win32::System::Threading::{
        GetExitCodeProcess, OpenProcess, PROCESS_QUERY_LIMITED_INFORMATION,
    };
    let mut code = 0;
    // SAFETY: the handle is closed once, after its last use, and the code is a variable of this function.
    unsafe {
        let process = OpenProcess(PROCESS_QUERY_LIMITED_INFORMATION, 0, pid);
        if process.is_null() {
            return false;
        }
        let known = GetExitCodeProcess(process, &raw mut code) != 0;
        CloseHandle(process);
        known && code == STILL_ACTIVE.cast_unsigned()
    }
}

/// The recording that a process has mapped: a shared, writable mapping of a file with the magic number of an image.
#[cfg(target_os = "linux")]
pub(super) fn recording_of(pid: u32) -> Option<PathBuf> {
    let maps = std::fs::read_to_string(format!("/proc/{pid}/maps")).ok()?;
    let shared = maps.lines().filter(|line| line.split_ascii_whitespace().nth(1) == Some("rw-s"));
    let paths = shared.filter_map(|line| line.find('/').map(|begin| PathBuf::from(&line[begin..])));
    paths.into_iter().find(|path| {
        use std::io::Read;
        let mut first = [0; 4];
        let read = std::fs::File::open(path).and_then(|mut file| file.read_exact(&mut first));
        read.is_ok() && crate::image::is_image(&first)
    })
}

/// Nothing: this system does not list the files that another process has mapped.
#[cfg(not(target_os = "linux"))]
pub(super) fn recording_of(_: u32) -> Option<PathBuf> {
    None
}
