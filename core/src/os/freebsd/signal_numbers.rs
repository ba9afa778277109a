//! The signals of FreeBSD, beside those that all systems have.

use libc::c_int;

/// Signals are numbered from 1 on, below this.
pub(crate) const COUNT: usize = 128;

/// Names of signals, for a message.
macro_rules! examples {
    () => {
        "USR1, TERM, INFO, …"
    };
}
pub(crate) use examples;

/// The names of signals that other systems lack.
pub(crate) const OTHERS: &[(&str, c_int)] = &[("INFO", libc::SIGINFO)];

/// The number of a real-time signal by its name: here they are given by number.
pub(crate) fn real_time(_: &str) -> Option<c_int> {
    None
}

/// Whether nothing happens by default after a signal that acts on other systems, or that they lack; and whether the tracker lets nothing
/// happen: only the program defines the meaning of a real-time signal (`SIGRTMIN` is 65).
pub(crate) fn has_no_action(signal: c_int) -> bool {
    signal == libc::SIGIO || signal == libc::SIGINFO || signal >= 65
}
