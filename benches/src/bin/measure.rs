//! Runs a program and says afterwards, on standard error, what the whole of it cost, its children included:
//! `process_cpu_ns`, `process_wall_ns` and `process_peak_rss_bytes`, one `key value` a line.
//!
//! It is a program of its own because the largest resident set that the kernel reports for a process is at least that
//! of the one that started it; this one is small.

use std::env::args_os;
use std::mem::MaybeUninit;
use std::process::{Command, ExitCode};
use std::time::Instant;

use memtrack_benches::cpu_time;

fn main() -> ExitCode {
    let mut arguments = args_os().skip(1);
    let Some(program) = arguments.next() else {
        eprintln!("usage: bench-measure PROGRAM [ARGUMENT]...");
        return ExitCode::from(2);
    };
    let start = Instant::now();
    let child = match Command::new(&program).args(arguments).spawn() {
        Ok(child) => child,
        Err(error) => {
            eprintln!("cannot run {}: {error}", program.display());
            return ExitCode::from(127);
        }
    };
    let mut status = 0;
    let mut usage = MaybeUninit::<libc::rusage>::uninit();
    // SAFETY: both pointers are valid for writing what `wait4` writes there, and the child is not waited for elsewhere.
    let waited = unsafe { libc::wait4(child.id() as libc::pid_t, &mut status, 0, usage.as_mut_ptr()) };
    assert_eq!(waited, child.id() as libc::pid_t, "the child is ours to wait for");
    // SAFETY: `wait4` has returned the child, so it has filled the struct.
    let usage = unsafe { usage.assume_init() };
    eprintln!("process_cpu_ns {}", cpu_time(&usage).as_nanos());
    eprintln!("process_wall_ns {}", start.elapsed().as_nanos());
    eprintln!("process_peak_rss_bytes {}", usage.ru_maxrss as u64 * 1024);
    if libc::WIFEXITED(status) { ExitCode::from(libc::WEXITSTATUS(status) as u8) } else { ExitCode::FAILURE }
}
