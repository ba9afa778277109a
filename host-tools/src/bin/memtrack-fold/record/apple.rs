//! `record` on macOS: its names for a library that is loaded first, its signals, and the programs that load none.

use std::ffi::OsStr;
use std::sync::OnceLock;

use super::protection;
use super::unseen::in_search_path;

pub(super) const LIBRARY: &str = "libmemtrack.dylib";
/// The variable with the list of libraries.
pub(super) const VARIABLE: &str = "DYLD_INSERT_LIBRARIES";
/// Forwarded signals that other systems lack.
pub(super) const OWN_SIGNALS: [libc::c_int; 1] = [libc::SIGINFO];
/// There are no real-time signals.
#[allow(clippy::reversed_empty_ranges, reason = "no signals")]
pub(super) const REAL_TIME: std::ops::RangeInclusive<libc::c_int> = 1..=0;

/// The error number of the running thread.
pub(super) fn errno() -> *mut libc::c_int {
    // SAFETY: the call only returns an address.
    unsafe { libc::__error() }
}

/// The terminal of this process, once it was asked for; -1 for none.
static TERMINAL: OnceLock<libc::c_int> = OnceLock::new();

/// Asks for the terminal: not in a handler.
pub(super) fn find_terminal() {
    // SAFETY: the path is a C string.
    TERMINAL.get_or_init(|| unsafe { libc::open(c"/dev/tty".as_ptr(), libc::O_RDONLY | libc::O_CLOEXEC) });
}

/// Whether a signal comes from a key on the terminal, as far as this can be known: the system does not say who sent it. Those
/// that a terminal sends count as sent by it while this process is in the foreground. Can run in a handler.
pub(super) fn is_of_terminal(signal: libc::c_int, _: &libc::siginfo_t) -> bool {
    const OF_TERMINALS: [libc::c_int; 5] =
        [libc::SIGHUP, libc::SIGINT, libc::SIGQUIT, libc::SIGWINCH, libc::SIGINFO];
    let foreground = TERMINAL.get().filter(|terminal| **terminal >= 0);
    // SAFETY: both calls only take and return numbers, and are allowed in a handler.
    let is_there =
        foreground.is_some_and(|terminal| unsafe { libc::tcgetpgrp(*terminal) == libc::getpgrp() });
    is_there && OF_TERMINALS.contains(&signal)
}

/// The reason why a program is not run: dyld would load nothing into it, and say nothing.
pub(super) fn why_refused(program: &OsStr) -> Option<String> {
    protection::of_program(&in_search_path(program)?).map(|protection| protection.to_string())
}

/// The reason why nothing was loaded into a program that ran: none is known.
pub(super) fn why_not_preloaded(_: &OsStr) -> Option<&'static str> {
    None
}
