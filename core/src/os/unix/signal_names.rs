//! The names of signals, as a variable gives them.

use super::signal_numbers::{COUNT, OTHERS, examples, real_time};

/// Names of signals that all systems have. Two groups are left out: signals that cannot be handled (KILL, STOP), and signals that report a
/// damaged program, in which a snapshot may never end (ABRT, BUS, FPE, ILL, SEGV, SYS, TRAP).
const NAMES: [(&str, libc::c_int); 20] = [
    ("ALRM", libc::SIGALRM),
    ("CHLD", libc::SIGCHLD),
    ("CONT", libc::SIGCONT),
    ("HUP", libc::SIGHUP),
    ("INT", libc::SIGINT),
    ("IO", libc::SIGIO),
    ("PIPE", libc::SIGPIPE),
    ("PROF", libc::SIGPROF),
    ("QUIT", libc::SIGQUIT),
    ("TERM", libc::SIGTERM),
    ("TSTP", libc::SIGTSTP),
    ("TTIN", libc::SIGTTIN),
    ("TTOU", libc::SIGTTOU),
    ("URG", libc::SIGURG),
    ("USR1", libc::SIGUSR1),
    ("USR2", libc::SIGUSR2),
    ("VTALRM", libc::SIGVTALRM),
    ("WINCH", libc::SIGWINCH),
    ("XCPU", libc::SIGXCPU),
    ("XFSZ", libc::SIGXFSZ),
];

/// The signals that report a damaged program.
pub(super) const DAMAGED: [libc::c_int; 7] =
    [libc::SIGABRT, libc::SIGBUS, libc::SIGFPE, libc::SIGILL, libc::SIGSEGV, libc::SIGSYS, libc::SIGTRAP];

/// The values that [`parse`] accepts, for a message about one that it does not.
pub(crate) const EXPECTED: &str = concat!(
    "a signal's name (",
    examples!(),
    ") or number, but not KILL or STOP, which no program can handle, ",
    "nor ABRT, BUS, FPE, ILL, SEGV, SYS or TRAP, after which a dump cannot be trusted"
);

/// The number of a signal that can ask for a snapshot. `name` is the signal's name, in upper or lower case and with or
/// without `SIG`, or its number. `None` for any other text.
pub(crate) fn parse(name: &[u8]) -> Option<libc::c_int> {
    let name = core::str::from_utf8(name).ok()?;
    if name.bytes().all(|byte| byte.is_ascii_digit()) {
        return name
            .parse()
            .ok()
            .filter(|signal| (1..COUNT as libc::c_int).contains(signal) && !DAMAGED.contains(signal));
    }
    let short = without(name, "SIG").unwrap_or(name);
    let mut known = NAMES.iter().chain(OTHERS);
    let known = known.find(|(known, _)| known.eq_ignore_ascii_case(short)).map(|(_, signal)| *signal);
    known.or_else(|| real_time(short))
}

/// The part of `text` behind a prefix, in upper or lower case.
pub(in crate::os) fn without<'t>(text: &'t str, prefix: &str) -> Option<&'t str> {
    let (start, rest) = text.split_at_checked(prefix.len())?;
    start.eq_ignore_ascii_case(prefix).then_some(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signals_have_names_and_numbers() {
        let names: [&[u8]; 5] = [b"TERM", b"SIGTERM", b"term", b"sigTerm", b"15"];
        assert_eq!(names.map(parse), [Some(libc::SIGTERM); 5]);
        let nothing: [&[u8]; 8] = [b"", b"SIG", b"KILLER", b"0", b"65", b"SIG10", b"-1", b"\xff"];
        assert_eq!(nothing.map(parse), [None; 8]);
    }

    #[test]
    fn signals_of_a_damaged_program_are_refused() {
        let names: [&[u8]; 9] = [b"KILL", b"STOP", b"SEGV", b"SIGABRT", b"FPE", b"BUS", b"ILL", b"11", b"6"];
        assert_eq!(names.map(parse), [None; 9]);
    }
}
