//! As much of ELF as tells the sizes of sections: little-endian, 32 and 64 bits.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

/// Sums over a program's sections.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Sections {
    /// Code, constants, and the initial values of variables. Unwind tables and symbols are not counted.
    pub(crate) flash: u64,
    /// Variables.
    pub(crate) ram: u64,
}

impl Sections {
    pub(crate) fn read(path: &Path) -> Result<Self> {
        let bytes = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
        Self::parse(&bytes).with_context(|| format!("{} is no ELF file of this kind", path.display()))
    }

    fn parse(bytes: &[u8]) -> Option<Self> {
        let wide = match bytes.get(..6)? {
            [0x7f, b'E', b'L', b'F', class @ 1..=2, 1] => *class == 2,
            _ => return None,
        };
        let number = |at: usize, length: usize| -> Option<u64> {
            let digits = bytes.get(at..at + length)?.iter().rev();
            Some(digits.fold(0, |number, &byte| number << 8 | u64::from(byte)))
        };
        // Offsets of the fields: of the file's header, then of a section's.
        let (word, table, count) = if wide { (8, 0x28, 0x3a) } else { (4, 0x20, 0x2e) };
        let (place, length) = if wide { (0x18, 0x20) } else { (0x10, 0x14) };
        let table = number(table, word)?;
        let (stride, sections, names) = (number(count, 2)?, number(count + 2, 2)?, number(count + 4, 2)?);
        let field = |section: u64, offset: usize, length| {
            number(usize::try_from(table + section * stride).ok()? + offset, length)
        };
        let names = field(names, place, word)?;
        let mut sums = Sections { flash: 0, ram: 0 };
        for section in 0..sections {
            let name = usize::try_from(names + field(section, 0, 4)?).ok()?;
            let size = field(section, length, word)?;
            match bytes.get(name..)?.split(|&byte| byte == 0).next()? {
                b".text" | b".rodata" => sums.flash += size,
                b".data" => (sums.flash, sums.ram) = (sums.flash + size, sums.ram + size),
                b".bss" => sums.ram += size,
                _ => {}
            }
        }
        Some(sums)
    }
}

#[cfg(test)]
mod tests {
    use super::Sections;

    #[test]
    fn sections_of_this_very_program_are_counted() {
        let path = std::env::current_exe().unwrap();
        let sections = Sections::read(&path).unwrap();
        assert!(sections.flash > 10_000, "{sections:?}");
        assert!(sections.flash < std::fs::metadata(path).unwrap().len());
    }

    #[test]
    fn other_files_are_refused() {
        assert_eq!(Sections::parse(b""), None);
        assert_eq!(Sections::parse(b"\x7fELF\x02\x02"), None);
        assert_eq!(Sections::parse(b"\x7fELF\x02\x01\x01"), None);
    }
}
