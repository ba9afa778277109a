//! The description of a function in `.eh_frame`, with the part that it has in common with others (Linux Standard Base, "DWARF
//! Extensions"; DWARF 5, 6.4.1).

use super::reader::Reader;

/// The most bytes of a description, and of the common part. Compilers write a few hundred; a longer one is damaged, and would take
/// long to read.
pub(super) const MOST_BYTES: usize = 256 << 10;

/// A function's description.
#[derive(Clone, Copy)]
pub(super) struct Description<'b> {
    pub(super) common: Common<'b>,
    /// The address of the function.
    pub(super) begin: u64,
    /// Bytes of the function.
    size: u64,
    pub(super) instructions: Reader<'b>,
    is_bounded: bool,
}

/// What descriptions have in common.
#[derive(Clone, Copy)]
pub(super) struct Common<'b> {
    pub(super) code_factor: u64,
    pub(super) data_factor: i64,
    /// The code is that to which a signal handler returns.
    pub(super) is_of_signal: bool,
    pub(super) instructions: Reader<'b>,
    has_augmentation: bool,
    encoding: u8,
    is_bounded: bool,
}

/// The encoding of an address as a word.
const ABSOLUTE: u8 = 0;

impl<'b> Description<'b> {
    /// The description at an offset in its section. `None` for a damaged one, and for forms that no compiler writes.
    pub(super) fn at(section: &'b [u8], offset: usize) -> Option<Description<'b>> {
        let (mut entry, is_bounded) = entry(section, offset)?;
        let back = entry.u32()? as usize;
        let common = Common::at(section, (offset + 4).checked_sub(back).filter(|_| back > 0)?)?;
        let begin = entry.address(common.encoding, None)?;
        let size = entry.size(common.encoding)?;
        if common.has_augmentation {
            entry.block()?;
        }
        Some(Description { common, begin, size, instructions: entry, is_bounded })
    }

    pub(super) fn contains(&self, pc: usize) -> bool {
        (pc as u64).wrapping_sub(self.begin) < self.size
    }

    /// Whether it can be read in a moment.
    pub(super) fn is_bounded(&self) -> bool {
        self.is_bounded && self.common.is_bounded
    }
}

impl<'b> Common<'b> {
    fn at(section: &'b [u8], offset: usize) -> Option<Common<'b>> {
        let (mut entry, is_bounded) = entry(section, offset)?;
        if entry.u32()? != 0 {
            return None;
        }
        let version = entry.u8()?;
        let augmentation = entry.string()?;
        match version {
            1 | 3 => {}
            // The sizes of an address and of a segment's selector.
            4 if entry.u16()? == size_of::<usize>() as u16 => {}
            _ => return None,
        }
        let (code_factor, data_factor) = (entry.unsigned()?, entry.signed()?);
        // The column of the return address, which is always the same.
        if version == 1 { entry.u8().map(u64::from) } else { entry.unsigned() }?;
        let mut common = Common {
            code_factor,
            data_factor,
            is_of_signal: false,
            instructions: entry,
            has_augmentation: false,
            encoding: ABSOLUTE,
            is_bounded,
        };
        let Some((b'z', letters)) = augmentation.split_first() else {
            return augmentation.is_empty().then_some(common);
        };
        let mut data = common.instructions.block()?;
        common.has_augmentation = true;
        for letter in letters {
            match letter {
                b'R' => common.encoding = data.u8()?,
                b'L' => _ = data.u8()?,
                b'P' => {
                    let encoding = data.u8()?;
                    data.size(encoding)?;
                }
                b'S' => common.is_of_signal = true,
                // Keys that sign return addresses.
                b'B' | b'G' => {}
                _ => return None,
            }
        }
        Some(common)
    }
}

/// The contents of an entry, and whether they are short enough.
fn entry(section: &[u8], offset: usize) -> Option<(Reader<'_>, bool)> {
    let mut section = Reader(section.get(offset..)?);
    let length = section.u32()?;
    // No length ends the section; all ones announce 64 bits, which only sections of gigabytes have.
    if length == 0 || length == u32::MAX {
        return None;
    }
    let length = length as usize;
    Some((section.take(length)?, length <= MOST_BYTES))
}
