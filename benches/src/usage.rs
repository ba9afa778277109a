//! The resources that the process has used.

use std::fs;
use std::mem::MaybeUninit;
use std::time::{Duration, Instant};

/// CPU time (user and system, all threads) and the wall clock at one moment.
#[derive(Debug)]
pub struct Usage {
    cpu: Duration,
    wall: Instant,
}

/// The resources used between two moments.
#[derive(Debug)]
pub struct Spent {
    /// User and system time of all threads.
    pub cpu: Duration,
    /// Wall time.
    pub wall: Duration,
}

impl Usage {
    /// The usage up to now.
    pub fn now() -> Self {
        let mut usage = MaybeUninit::<libc::rusage>::uninit();
        // SAFETY: the pointer is valid for writing one `rusage`.
        let result = unsafe { libc::getrusage(libc::RUSAGE_SELF, usage.as_mut_ptr()) };
        assert_eq!(result, 0, "RUSAGE_SELF is always known");
        // SAFETY: `getrusage` has succeeded, so it has filled the struct.
        let usage = unsafe { usage.assume_init() };
        Self { cpu: cpu_time(&usage), wall: Instant::now() }
    }

    /// The resources used since `before`.
    pub fn since(&self, before: &Self) -> Spent {
        Spent { cpu: self.cpu - before.cpu, wall: self.wall - before.wall }
    }
}

/// The sum of user and system time.
pub fn cpu_time(usage: &libc::rusage) -> Duration {
    let duration = |time: libc::timeval| Duration::new(time.tv_sec as u64, time.tv_usec as u32 * 1000);
    duration(usage.ru_utime) + duration(usage.ru_stime)
}

/// The peak resident set in bytes. Not `ru_maxrss`: that figure survives `execve`, and includes the peak of the
/// program that started this one.
pub(crate) fn peak_rss() -> u64 {
    let status = fs::read_to_string("/proc/self/status").expect("Linux has /proc");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kilobytes = line.and_then(|rest| rest.trim().strip_suffix(" kB"));
    kilobytes.and_then(|number| number.parse::<u64>().ok()).expect("VmHWM is a number of kB") * 1024
}
