//! Reads the numbers of call frame information (DWARF 5, 7.6), and addresses by their encodings (Linux Standard Base, "DWARF
//! Exception Header Encoding"). `None` where the bytes end too early.

/// In an encoding: the number's format, and what it is relative to.
const FORMAT: u8 = 0x0f;
const TO_PLACE: u8 = 0x10;
const TO_SECTION: u8 = 0x30;
/// Formats.
const WORD: u8 = 0;
const SIGNED: u8 = 8;

/// Bytes that are still to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Reader<'b>(pub(super) &'b [u8]);

impl<'b> Reader<'b> {
    pub(super) fn take(&mut self, count: usize) -> Option<Reader<'b>> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(Reader(taken))
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (taken, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*taken)
    }

    #[inline]
    pub(super) fn u8(&mut self) -> Option<u8> {
        self.array().map(u8::from_le_bytes)
    }

    pub(super) fn u16(&mut self) -> Option<u16> {
        self.array().map(u16::from_le_bytes)
    }

    pub(super) fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_le_bytes)
    }

    pub(super) fn u64(&mut self) -> Option<u64> {
        self.array().map(u64::from_le_bytes)
    }

    /// A number in groups of seven bits, the low ones first; bits past the 64th are left out.
    #[inline]
    pub(super) fn unsigned(&mut self) -> Option<u64> {
        let first = self.u8()?;
        if first < 0x80 { Some(first.into()) } else { self.groups(first).map(|(value, _)| value) }
    }

    /// The same, with a sign in the last group.
    #[inline]
    pub(super) fn signed(&mut self) -> Option<i64> {
        let first = self.u8()?;
        let (value, bits) = if first < 0x80 { (first.into(), 7) } else { self.groups(first)? };
        let unused = 64u32.saturating_sub(bits);
        Some((value as i64) << unused >> unused)
    }

    /// The value of several groups, and its bits.
    #[cold]
    fn groups(&mut self, first: u8) -> Option<(u64, u32)> {
        let (mut value, mut bits) = (u64::from(first & 0x7f), 7u32);
        loop {
            let group = self.u8()?;
            if bits < 64 {
                value |= u64::from(group & 0x7f) << bits;
            }
            bits = bits.saturating_add(7);
            if group < 0x80 {
                return Some((value, bits.min(64)));
            }
        }
    }

    /// The bytes up to a zero, which is read too.
    pub(super) fn string(&mut self) -> Option<&'b [u8]> {
        let end = self.0.iter().position(|byte| *byte == 0)?;
        let string = self.take(end)?;
        self.u8()?;
        Some(string.0)
    }

    /// An address in its encoding. `section` is that to which it may be relative. `None` too for an encoding that no linker uses here.
    pub(super) fn address(&mut self, encoding: u8, section: Option<usize>) -> Option<u64> {
        let place = self.0.as_ptr().addr();
        let number = self.number(encoding & FORMAT)?;
        let base = match encoding & !FORMAT {
            0 => 0,
            TO_PLACE => place,
            TO_SECTION => section?,
            _ => return None,
        };
        Some(number.wrapping_add(base as u64) as usize as u64)
    }

    /// A size, or a number of things, in an address's format without its sign.
    pub(super) fn size(&mut self, encoding: u8) -> Option<u64> {
        let format = encoding & FORMAT;
        self.number(if format > SIGNED + 1 { format - SIGNED } else { format })
    }

    /// Bytes of an address, where all have as many.
    #[cfg(not(compact))]
    pub(super) fn bytes_of_address(encoding: u8) -> Option<usize> {
        match encoding & FORMAT {
            WORD => Some(size_of::<usize>()),
            2 | 10 => Some(2),
            3 | 11 => Some(4),
            4 | 12 => Some(8),
            _ => None,
        }
    }

    fn number(&mut self, format: u8) -> Option<u64> {
        Some(match format {
            WORD if cfg!(target_pointer_width = "64") => self.u64()?,
            WORD => self.u32()?.into(),
            1 => self.unsigned()?,
            2 => self.u16()?.into(),
            3 => self.u32()?.into(),
            4 | 12 => self.u64()?,
            9 => self.signed()? as u64,
            10 => self.u16()? as i16 as u64,
            11 => self.u32()? as i32 as u64,
            _ => return None,
        })
    }

    /// A block of bytes behind its length.
    pub(super) fn block(&mut self) -> Option<Reader<'b>> {
        let count = self.unsigned()?;
        self.take(usize::try_from(count).ok()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_those_of_the_standard() {
        for (bytes, unsigned, signed) in [
            (&[2][..], 2, 2),
            (&[127], 127, -1),
            (&[0x80, 1], 128, 128),
            (&[0x81, 0x7f], 0x3f81, -127),
            (&[0x80, 0x7f], 0x3f80, -128),
            (&[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1], u64::MAX, -1),
        ] {
            assert_eq!(Reader(bytes).unsigned(), Some(unsigned), "{bytes:x?}");
            assert_eq!(Reader(bytes).signed(), Some(signed), "{bytes:x?}");
            assert_eq!(Reader(&bytes[..bytes.len() - 1]).unsigned(), None);
        }
    }
}
