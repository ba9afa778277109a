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

/// A number of seconds with up to three decimals, in nanoseconds. Not by floating-point numbers, whose reading is as large
/// as all of the hook.
pub(super) fn nanoseconds(seconds: &[u8]) -> Option<u64> {
    let (whole, decimals) = text(seconds)?.split_once('.').unwrap_or((text(seconds)?, "0"));
    let digits =
        |text: &str| text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse::<u64>().ok())?;
    let thousandths = digits(decimals)? * 10u64.pow(3u32.checked_sub(decimals.len() as u32)?);
    digits(whole)?
        .checked_mul(1000)?
        .checked_add(thousandths)?
        .checked_mul(1_000_000)
        .filter(|&time| time > 0)
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
    fn numbers_have_units() {
        assert_eq!(
            (bytes(b"4096"), bytes(b"64MiB"), bytes(b"2 GiB")),
            (Some(4096), Some(64 << 20), Some(2 << 30))
        );
        assert_eq!([bytes(b"64MB"), bytes(b"-1"), bytes(b"99999999999GiB"), bytes(b"")], [None; 4]);
        assert_eq!((nanoseconds(b"0.5"), nanoseconds(b"10")), (Some(500_000_000), Some(10_000_000_000)));
        assert_eq!((nanoseconds(b"0.001"), nanoseconds(b"1.25")), (Some(1_000_000), Some(1_250_000_000)));
        let nothing: [&[u8]; 8] =
            [b"0", b"0.0", b"0.0001", b"nan", b"soon", b"-1", b".", b"99999999999999999999"];
        assert!(nothing.iter().all(|text| nanoseconds(text).is_none()));
    }
}
