//! The signals of Linux, beside those that all systems have.

use super::super::unix::signal_names::without;
use libc::c_int;

/// Signals are numbered from 1 on, below this.
pub(crate) const COUNT: usize = 65;

/// Names of signals, for a message.
macro_rules! examples {
    () => {
        "USR1, TERM, RTMIN+1, …"
    };
}
pub(crate) use examples;

/// The names of signals that other systems lack.
pub(crate) const OTHERS: &[(&str, c_int)] =
    &[("POLL", libc::SIGPOLL), ("PWR", libc::SIGPWR), ("STKFLT", libc::SIGSTKFLT)];

/// The number of a real-time signal. `name` is `RTMIN` or `RTMAX`, with or without a signed distance from it.
pub(crate) fn real_time(name: &str) -> Option<c_int> {
    let at = |prefix: &str, from: c_int| {
        let rest = without(name, prefix)?;
        let distance = if rest.is_empty() {
            0
        } else {
            rest.parse::<i8>().ok().filter(|_| !rest.starts_with(|c: char| c.is_ascii_digit()))?
        };
        let signal = from + c_int::from(distance);
        (libc::SIGRTMIN()..=libc::SIGRTMAX()).contains(&signal).then_some(signal)
    };
    at("RTMIN", libc::SIGRTMIN()).or_else(|| at("RTMAX", libc::SIGRTMAX()))
}

/// Whether the tracker lets nothing happen by default after a signal that other systems lack: only the program defines the
/// meaning of a real-time signal.
pub(crate) fn has_no_action(signal: c_int) -> bool {
    signal >= 32
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::os::signals::parse;

    #[test]
    fn real_time_signals_are_counted_from_both_ends() {
        let first = libc::SIGRTMIN();
        let names: [&[u8]; 4] = [b"RTMIN", b"SIGRTMIN+3", b"RTMAX-1", b"50"];
        assert_eq!(names.map(parse), [Some(first), Some(first + 3), Some(libc::SIGRTMAX() - 1), Some(50)]);
        let nothing: [&[u8]; 4] = [b"RTMIN3", b"RTMIN-1", b"RTMAX+1", b"RTMIN+"];
        assert_eq!(nothing.map(parse), [None; 4]);
        assert!([first, libc::SIGRTMAX()].into_iter().all(has_no_action));
    }
}
