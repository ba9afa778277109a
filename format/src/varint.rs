//! LEB128: seven bits of the number in a byte, low ones first. The high bit says that another byte follows. A number has at
//! most ten bytes.

/// The longest encoding of a `u64`.
pub(crate) const MAX_LEN: usize = 10;

/// Encodes `value` into `out`, and returns how many bytes that takes: 1 to 10.
#[inline]
pub(crate) fn encode(mut value: u64, out: &mut [u8; MAX_LEN]) -> usize {
    let mut n = 0;
    while value >= 0x80 {
        out[n] = value as u8 | 0x80;
        value >>= 7;
        n += 1;
    }
    out[n] = value as u8;
    n + 1
}

/// Decodes the varint at the start of `bytes`. Returns its value and length; `None` when it is cut off, or has more than ten
/// bytes or 64 bits.
pub(crate) fn decode(bytes: &[u8]) -> Option<(u64, usize)> {
    let mut value = 0u64;
    for (i, &byte) in bytes.iter().take(MAX_LEN).enumerate() {
        let bits = u64::from(byte & 0x7f);
        if i == MAX_LEN - 1 && bits > 1 {
            return None;
        }
        value |= bits << (7 * i);
        if byte & 0x80 == 0 {
            return Some((value, i + 1));
        }
    }
    None
}

/// Maps numbers near zero, of either sign, to small numbers: 0, −1, 1, −2 … become 0, 1, 2, 3 …
pub(crate) fn zigzag(value: i64) -> u64 {
    (value << 1 ^ value >> 63) as u64
}

/// The inverse of [`zigzag`].
pub(crate) fn unzigzag(value: u64) -> i64 {
    (value >> 1) as i64 ^ -((value & 1) as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn literal_bytes() {
        for (value, bytes) in [
            (0u64, &[0u8][..]),
            (127, &[0x7f]),
            (128, &[0x80, 0x01]),
            (300, &[0xac, 0x02]),
            (u64::MAX, &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01]),
        ] {
            let mut out = [0; MAX_LEN];
            let n = encode(value, &mut out);
            assert_eq!(&out[..n], bytes);
            assert_eq!(decode(bytes), Some((value, bytes.len())));
        }
    }

    #[test]
    fn cut_or_too_wide_is_refused() {
        assert_eq!(decode(&[]), None);
        assert_eq!(decode(&[0x80]), None);
        assert_eq!(decode(&[0xff; 10]), None);
        assert_eq!(decode(&[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02]), None);
    }

    #[test]
    fn zigzag_is_small_for_small_magnitudes() {
        for (value, code) in [(0i64, 0u64), (-1, 1), (1, 2), (i64::MAX, u64::MAX - 1), (i64::MIN, u64::MAX)] {
            assert_eq!(zigzag(value), code);
            assert_eq!(unzigzag(code), value);
        }
    }
}
