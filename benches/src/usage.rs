//! What the process has used so far.

use std::fs;
use std::mem::MaybeUninit;
use std::time::{Duration, Instant};

/// CPU time (user and system, all threads) and a point in wall time.
#[derive(Debug)]
pub struct Usage {
    cpu: Duration,
    wall: Instant,
}

/// What was used between two points.
#[derive(Debug)]
pub struct Spent {
    /// User and system time of all threads.
    pub cpu: Duration,
    /// Time that passed.
    pub wall: Duration,
}

impl Usage {
    /// Up to now.
    pub fn now() -> Self {
        let mut usage = MaybeUninit::<libc::rusage>::uninit();
        // SAFETY: the pointer is valid for writing one `rusage`.
        let result = unsafe { libc::getrusage(libc::RUSAGE_SELF, usage.as_mut_ptr()) };
        assert_eq!(result, 0, "RUSAGE_SELF is always known");
        // SAFETY: `getrusage` has succeeded, so it has filled the struct.
        let usage = unsafe { usage.assume_init() };
        Self { cpu: cpu_time(&usage), wall: Instant::now() }
    }

    /// What was used since `before`.
    pub fn since(&self, before: &Self) -> Spent {
        Spent { cpu: self.cpu - before.cpu, wall: self.wall - before.wall }
    }
}

/// User and system time together.
pub fn cpu_time(usage: &libc::rusage) -> Duration {
    let duration = |time: libc::timeval| Duration::new(time.tv_sec as u64, time.tv_usec as u32 * 1000);
    duration(usage.ru_utime) + duration(usage.ru_stime)
}

/// The largest resident set so far, in bytes. Not `ru_maxrss`: that one survives `execve` and tells the size of
/// whatever program started this one, if that was larger.
pub(crate) fn peak_rss() -> u64 {
    let status = fs::read_to_string("/proc/self/status").expect("Linux has /proc");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kilobytes = line.and_then(|rest| rest.trim().strip_suffix(" kB"));
    kilobytes.and_then(|number| number.parse::<u64>().ok()).expect("VmHWM is a number of kB") * 1024
}
