//! Numbers with units, by whole-number arithmetic: a firmware needs no floating point for them.

use core::fmt;

/// Bytes with a binary unit: `1.50 MiB`.
pub(super) struct Bytes(pub(super) u64);

/// Nanoseconds with a unit: `12.3 ms`.
pub(super) struct Duration(pub(super) u64);

/// A count in groups of thousands: `12 345 678`.
pub(super) struct Count(pub(super) u64);

/// A part of a whole, which is not 0: `12.3%`.
pub(super) struct Share(pub(super) u64, pub(super) u64);

impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const UNITS: [&str; 6] = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
        let mut text = heapless::String::<32>::new();
        let _ = match UNITS.iter().enumerate().rev().find(|(i, _)| self.0 >= 1 << (10 * (i + 1))) {
            None => fmt::write(&mut text, format_args!("{} B", self.0)),
            Some((i, unit)) => {
                let shift = 10 * (i as u32 + 1);
                let hundredths = (((self.0 & ((1 << shift) - 1)) as u128 * 100) >> shift) as u64;
                fmt::write(&mut text, format_args!("{}.{hundredths:02} {unit}", self.0 >> shift))
            }
        };
        f.pad(&text)
    }
}

impl fmt::Display for Duration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = heapless::String::<32>::new();
        let (unit, name) = match self.0 {
            0..1_000_000 => (1_000, "µs"),
            1_000_000..1_000_000_000 => (1_000_000, "ms"),
            _ => (1_000_000_000, "s"),
        };
        let tenths = self.0 % unit * 10 / unit;
        let _ = fmt::write(&mut text, format_args!("{}.{tenths} {name}", self.0 / unit));
        f.pad(&text)
    }
}

impl fmt::Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut digits = heapless::String::<20>::new();
        let _ = fmt::write(&mut digits, format_args!("{}", self.0));
        let mut text = heapless::String::<26>::new();
        for (place, digit) in digits.chars().enumerate() {
            if place > 0 && (digits.len() - place).is_multiple_of(3) {
                let _ = text.push(' ');
            }
            let _ = text.push(digit);
        }
        f.pad(&text)
    }
}

impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let thousandths = u128::from(self.0) * 1000 / u128::from(self.1);
        let mut text = heapless::String::<32>::new();
        let _ = fmt::write(&mut text, format_args!("{}.{}%", thousandths / 10, thousandths % 10));
        f.pad(&text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_are_binary_and_round_down() {
        for (bytes, text) in [
            (0, "0 B"),
            (1023, "1023 B"),
            (1024, "1.00 KiB"),
            (1536 << 10, "1.50 MiB"),
            ((1 << 30) - 1, "1023.99 MiB"),
            (u64::MAX, "15.99 EiB"),
        ] {
            assert_eq!(Bytes(bytes).to_string(), text);
        }
        assert_eq!(format!("{:>10}|{}", Bytes(7), Duration(1_250_000)), "       7 B|1.2 ms");
    }

    #[test]
    fn counts_have_their_thousands_apart_and_shares_a_tenth() {
        for (count, text) in [
            (0, "0"),
            (999, "999"),
            (1000, "1 000"),
            (12_345_678, "12 345 678"),
            (u64::MAX, "18 446 744 073 709 551 615"),
        ] {
            assert_eq!(Count(count).to_string(), text);
        }
        assert_eq!(format!("{:>7}|{}", Share(1, 8), Share(u64::MAX, u64::MAX)), "  12.5%|100.0%");
    }
}
