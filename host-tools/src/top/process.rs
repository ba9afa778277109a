//! The process that records. Ids are used again, so its start time counts too; 0 matches any.

use std::path::PathBuf;

/// Whether a process runs that has started at a time: in clock ticks since the system's start.
#[cfg(target_os = "linux")]
pub(super) fn is_running(pid: u32, started: u64) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    // The name, in parentheses, may contain spaces. Behind it the time is the 20th field.
    let fields = stat.rsplit_once(')').map_or("", |(_, fields)| fields);
    let start = fields.split_ascii_whitespace().nth(19).and_then(|start| start.parse().ok());
    // A zombie has no mappings left.
    let is_alive = std::fs::read(format!("/proc/{pid}/maps")).is_ok_and(|maps| !maps.is_empty());
    is_alive && (started == 0 || start == Some(started))
}

/// Whether a process runs, whenever it has started. A process of another user counts as running.
#[cfg(all(unix, not(target_os = "linux")))]
pub(super) fn is_running(pid: u32, _: u64) -> bool {
    let Ok(pid) = libc::pid_t::try_from(pid) else { return false };
    // SAFETY: signal 0 only asks whether the process exists.
    let exists = unsafe { libc::kill(pid, 0) } == 0;
    exists || std::io::Error::last_os_error().raw_os_error() == Some(libc::EPERM)
}

/// Whether a process runs that has started at a time: in 100 ns since 1601.
#[cfg(windows)]
pub(super) fn is_running(pid: u32, started: u64) -> bool {
    use windows_sys::Win32::Foundation::{CloseHandle, FILETIME, STILL_ACTIVE};
    use windows_sys::Win32::System::Threading::{
        GetExitCodeProcess, GetProcessTimes, OpenProcess, PROCESS_QUERY_LIMITED_INFORMATION,
    };
    let mut code = 0;
    let mut times = [FILETIME::default(); 4];
    let [start, end, kernel, user] = &mut times;
    // SAFETY: the handle is closed once, after its last use. The code and the times are variables of this function.
    unsafe {
        let process = OpenProcess(PROCESS_QUERY_LIMITED_INFORMATION, 0, pid);
        if process.is_null() {
            return false;
        }
        let is_active =
            GetExitCodeProcess(process, &raw mut code) != 0 && code == STILL_ACTIVE.cast_unsigned();
        let has_times = GetProcessTimes(process, start, end, kernel, user) != 0;
        CloseHandle(process);
        let start = u64::from(start.dwHighDateTime) << 32 | u64::from(start.dwLowDateTime);
        is_active && (started == 0 || !has_times || start == started)
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

#[cfg(all(test, any(target_os = "linux", windows)))]
mod tests {
    use super::is_running;

    #[test]
    fn another_process_with_the_same_id_is_not_the_one() {
        let this = std::process::id();
        assert_eq!([0, 1].map(|started| is_running(this, started)), [true, false]);
    }
}
