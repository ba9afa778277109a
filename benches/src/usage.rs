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
        Self { cpu: cpu_time_of(libc::RUSAGE_SELF), wall: Instant::now() }
    }

    /// The resources used since `before`.
    pub fn since(&self, before: &Self) -> Spent {
        Spent { cpu: self.cpu - before.cpu, wall: self.wall - before.wall }
    }
}

impl Spent {
    /// Prints it and the peak of resident memory, after the number of pairs of an allocation and a free, if that is known: one
    /// `key value` per line.
    pub fn print(&self, pairs: Option<u64>) {
        if let Some(pairs) = pairs {
            println!("pairs {pairs}");
        }
        println!("cpu_ns {}", self.cpu.as_nanos());
        println!("wall_ns {}", self.wall.as_nanos());
        println!("peak_rss_bytes {}", peak_rss());
    }
}

/// The CPU time of the processes that this one started and waited for.
pub fn children_cpu_time() -> Duration {
    cpu_time_of(libc::RUSAGE_CHILDREN)
}

fn cpu_time_of(who: libc::c_int) -> Duration {
    let mut usage = MaybeUninit::<libc::rusage>::uninit();
    // SAFETY: the pointer is valid for writing one `rusage`.
    let result = unsafe { libc::getrusage(who, usage.as_mut_ptr()) };
    assert_eq!(result, 0, "the usage of the process and of its children is always known");
    // SAFETY: `getrusage` has succeeded, so it has filled the struct.
    cpu_time(&unsafe { usage.assume_init() })
}

/// The sum of user and system time.
pub fn cpu_time(usage: &libc::rusage) -> Duration {
    let duration = |time: libc::timeval| Duration::new(time.tv_sec as u64, time.tv_usec as u32 * 1000);
    duration(usage.ru_utime) + duration(usage.ru_stime)
}

/// The peak resident set in bytes. Not `ru_maxrss`: that figure survives `execve`, and includes the peak of the
/// program that started this one.
fn peak_rss() -> u64 {
    let status = fs::read_to_string("/proc/self/status").expect("Linux has /proc");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kilobytes = line.and_then(|rest| rest.trim().strip_suffix(" kB"));
    kilobytes.and_then(|number| number.parse::<u64>().ok()).expect("VmHWM is a number of kB") * 1024
}
