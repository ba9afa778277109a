//! Programs under resource limits.

use std::ffi::OsStr;
use std::io;
use std::os::unix::process::CommandExt;
use std::process::{Command, Output};

/// Runs a program to its end under resource limits: `libc::RLIMIT_…` and a number.
///
/// # Panics
/// When the program cannot be started.
#[must_use]
pub fn output(
    program: &str,
    arguments: &[&str],
    environment: &[(&str, &OsStr)],
    limits: &[(libc::__rlimit_resource_t, libc::rlim_t)],
) -> Output {
    let mut command = Command::new(program);
    command.args(arguments).env_remove("MEMTRACK_DUMP").envs(environment.iter().copied());
    set(&mut command, limits);
    command.output().unwrap_or_else(|error| panic!("cannot start {program}: {error}"))
}

/// Sets resource limits before a program starts: `libc::RLIMIT_…` and a number.
pub fn set(command: &mut Command, limits: &[(libc::__rlimit_resource_t, libc::rlim_t)]) {
    let limits = limits.to_vec();
    let set = move || {
        for &(resource, most) in &limits {
            let limit = libc::rlimit { rlim_cur: most, rlim_max: most };
            // SAFETY: the limit is valid for the call.
            if unsafe { libc::setrlimit(resource, &raw const limit) } != 0 {
                return Err(io::Error::last_os_error());
            }
        }
        Ok(())
    };
    // SAFETY: between fork and exec the closure makes one system call for each limit and allocates nothing.
    unsafe { command.pre_exec(set) };
}
