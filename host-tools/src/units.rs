//! Formats numbers for people, and reads sizes that people write.

/// The prefixes of units, each 1024 times the one before (`KiB`), or 1000 times (`kB`).
const PREFIXES: [char; 6] = ['K', 'M', 'G', 'T', 'P', 'E'];

/// Bytes with a binary unit and three significant digits: `1.50 MiB`.
#[must_use]
pub fn bytes(count: u64) -> String {
    if count < 1024 {
        return format!("{count} B");
    }
    let mut power = (count.ilog2() / 10) as usize;
    let mut value = count as f64 / (1u64 << (10 * power)) as f64;
    // 1023.96 KiB would need four digits.
    if value >= 999.5 {
        value /= 1024.0;
        power += 1;
    }
    let prefix = PREFIXES[power - 1];
    if value < 9.995 {
        format!("{value:.2} {prefix}iB")
    } else if value < 99.95 {
        format!("{value:.1} {prefix}iB")
    } else {
        format!("{value:.0} {prefix}iB")
    }
}

/// Reads a number of bytes: `4096`, `64MiB`, `1.5 KiB`, `2MB`. A prefix alone is binary: `3G`.
///
/// # Errors
/// Returns the reason why the text is no size.
pub fn parse_bytes(text: &str) -> Result<u64, String> {
    let text = text.trim();
    let digits = text.trim_end_matches(|character: char| character.is_ascii_alphabetic());
    let letters = &text[digits.len()..];
    let unit = unit(letters).ok_or_else(|| format!("unknown unit {letters}: use B, KiB, MiB, GiB or TiB"))?;
    let digits = digits.trim_end();
    if unit == 1.0 {
        return digits.parse().map_err(|_| "give a size like 4096 or 64MiB".to_string());
    }
    match digits.parse::<f64>() {
        Ok(number) if number >= 0.0 && number * unit < u64::MAX as f64 => Ok((number * unit).round() as u64),
        _ => Err("give a size like 4096 or 64MiB".into()),
    }
}

/// The bytes of a unit, in letters of either case.
fn unit(letters: &str) -> Option<f64> {
    let letters = letters.to_ascii_uppercase();
    let Some(power) = PREFIXES.iter().position(|&prefix| letters.starts_with(prefix)) else {
        return matches!(&*letters, "" | "B").then_some(1.0);
    };
    let base = match &letters[1..] {
        "" | "IB" => 1024u64,
        "B" => 1000,
        _ => return None,
    };
    Some(base.pow(power as u32 + 1) as f64)
}

/// A count with groups of three digits: `12 345 678`.
#[must_use]
pub fn count(count: u64) -> String {
    let digits = count.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(' ');
        }
        out.push(digit);
    }
    out
}

/// A count with its noun, which is given in the singular: `1 event`, `12 events`.
#[must_use]
pub fn things(number: u64, thing: &str) -> String {
    let plural = match thing.strip_suffix("ss") {
        _ if number == 1 => thing.into(),
        Some(_) => format!("{thing}es"),
        None => format!("{thing}s"),
    };
    format!("{} {plural}", count(number))
}

/// A duration: `1.25 s`.
#[must_use]
pub fn duration(ns: u64) -> String {
    let (value, unit) = match ns {
        0..1_000 => return format!("{ns} ns"),
        1_000..1_000_000 => (ns as f64 / 1e3, "µs"),
        1_000_000..1_000_000_000 => (ns as f64 / 1e6, "ms"),
        _ => (ns as f64 / 1e9, "s"),
    };
    format!("{value:.2} {unit}")
}

/// A share in percent: `12.3%`.
#[must_use]
pub fn percent(part: u64, whole: u64) -> String {
    if whole == 0 { "-".into() } else { format!("{:.1}%", 100.0 * part as f64 / whole as f64) }
}

/// Bytes in hexadecimal, the usual form of build ids.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_keep_three_digits() {
        for (value, text) in [
            (0, "0 B"),
            (1023, "1023 B"),
            (1024, "1.00 KiB"),
            (1536, "1.50 KiB"),
            (10 * 1024, "10.0 KiB"),
            (1024 * 1024 - 1, "1.00 MiB"),
            (64 << 20, "64.0 MiB"),
            (u64::MAX, "16.0 EiB"),
        ] {
            assert_eq!(bytes(value), text);
        }
    }

    #[test]
    fn sizes_are_read_with_their_units() {
        for (text, size) in [
            ("0", 0),
            ("18446744073709551615", u64::MAX),
            ("64MiB", 64 << 20),
            ("1.5 KiB", 1536),
            ("2MB", 2_000_000),
            (" 3 g ", 3 << 30),
            ("2PiB", 2 << 50),
            ("7B", 7),
        ] {
            assert_eq!(parse_bytes(text), Ok(size), "{text}");
        }
        for text in ["", "MiB", "-1", "1.5", "-1KiB", "1e30GiB", "1 potato", "nanKiB", "infKiB", "1KK", "1iB"]
        {
            assert!(parse_bytes(text).is_err(), "{text}");
        }
    }

    #[test]
    fn counts_have_groups_of_three_digits() {
        assert_eq!(count(0), "0");
        assert_eq!(count(999), "999");
        assert_eq!(count(1000), "1 000");
        assert_eq!(count(12_345_678), "12 345 678");
    }

    #[test]
    fn things_are_one_or_several() {
        assert_eq!(things(1, "event"), "1 event");
        assert_eq!(things(1200, "event"), "1 200 events");
        assert_eq!(things(2, "address"), "2 addresses");
    }

    #[test]
    fn durations_and_shares() {
        assert_eq!(duration(999), "999 ns");
        assert_eq!(duration(1_500_000), "1.50 ms");
        assert_eq!(duration(61_000_000_000), "61.00 s");
        assert_eq!(percent(1, 8), "12.5%");
        assert_eq!(percent(0, 0), "-");
    }
}
