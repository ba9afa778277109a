//! Runs a program, and prints the total cost of it and its children to standard error: `process_cpu_ns`,
//! `process_wall_ns` and `process_peak_rss_bytes`, one `key value` per line.
//!
//! This must be a small program of its own: the kernel's peak resident set of a process is at least that of the
//! process that started it.

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
    // SAFETY: `wait4` may write through both pointers, and nothing else waits for the child.
    let waited = unsafe { libc::wait4(child.id() as libc::pid_t, &mut status, 0, usage.as_mut_ptr()) };
    assert_eq!(waited, child.id() as libc::pid_t, "no other code waits for the child");
    // SAFETY: `wait4` has returned the child, so it filled in the struct.
    let usage = unsafe { usage.assume_init() };
    eprintln!("process_cpu_ns {}", cpu_time(&usage).as_nanos());
    eprintln!("process_wall_ns {}", start.elapsed().as_nanos());
    eprintln!("process_peak_rss_bytes {}", usage.ru_maxrss as u64 * 1024);
    if libc::WIFEXITED(status) { ExitCode::from(libc::WEXITSTATUS(status) as u8) } else { ExitCode::FAILURE }
}
