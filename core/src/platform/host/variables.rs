//! Environment variables: reading them, and what their values mean.

use core::ffi::CStr;

/// The value of a variable that is not empty.
pub(super) fn get(name: &CStr) -> Option<&'static [u8]> {
    // SAFETY: the name is a C string; the value stays where it is unless the program changes its environment,
    // which it may not do while other threads read it.
    let value = unsafe {
        let value = libc::getenv(name.as_ptr());
        if value.is_null() {
            return None;
        }
        CStr::from_ptr(value).to_bytes()
    };
    (!value.is_empty()).then_some(value)
}

/// A signal by its name, with or without `SIG`, or by its number.
pub(super) fn signal(name: &[u8]) -> Option<libc::c_int> {
    const NAMES: [(&[u8], libc::c_int); 10] = [
        (b"HUP", libc::SIGHUP),
        (b"QUIT", libc::SIGQUIT),
        (b"USR1", libc::SIGUSR1),
        (b"USR2", libc::SIGUSR2),
        (b"ALRM", libc::SIGALRM),
        (b"URG", libc::SIGURG),
        (b"WINCH", libc::SIGWINCH),
        (b"IO", libc::SIGIO),
        (b"PROF", libc::SIGPROF),
        (b"PWR", libc::SIGPWR),
    ];
    let short = name.strip_prefix(b"SIG").unwrap_or(name);
    let known = NAMES.iter().find(|(known, _)| *known == short).map(|(_, number)| *number);
    known.or_else(|| text(name)?.parse().ok().filter(|number| (1..=64).contains(number)))
}

/// A number of seconds, in nanoseconds.
pub(super) fn nanoseconds(seconds: &[u8]) -> Option<u64> {
    let seconds = text(seconds)?.parse::<f64>().ok().filter(|seconds| (0.001..1e9).contains(seconds))?;
    Some((seconds * 1e9) as u64)
}

/// A number of bytes, or of a binary unit.
pub(super) fn bytes(size: &[u8]) -> Option<usize> {
    const UNITS: [(&str, u32); 3] = [("KiB", 10), ("MiB", 20), ("GiB", 30)];
    let size = text(size)?;
    let unit = UNITS.iter().find_map(|(unit, shift)| Some((size.strip_suffix(unit)?.trim_end(), *shift)));
    let (digits, shift) = unit.unwrap_or((size, 0));
    digits.parse::<usize>().ok()?.checked_mul(1 << shift)
}

fn text(value: &[u8]) -> Option<&str> {
    core::str::from_utf8(value).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signals_have_names_and_numbers() {
        assert_eq!([signal(b"USR1"), signal(b"SIGUSR1"), signal(b"10")], [Some(libc::SIGUSR1); 3]);
        assert_eq!([signal(b"KILLER"), signal(b"0"), signal(b"65"), signal(b"SIG10")], [None; 4]);
    }

    #[test]
    fn numbers_have_units() {
        assert_eq!(
            (bytes(b"4096"), bytes(b"64MiB"), bytes(b"2 GiB")),
            (Some(4096), Some(64 << 20), Some(2 << 30))
        );
        assert_eq!([bytes(b"64MB"), bytes(b"-1"), bytes(b"99999999999GiB"), bytes(b"")], [None; 4]);
        assert_eq!((nanoseconds(b"0.5"), nanoseconds(b"10")), (Some(500_000_000), Some(10_000_000_000)));
        assert_eq!([nanoseconds(b"0"), nanoseconds(b"nan"), nanoseconds(b"soon")], [None; 3]);
    }
}
