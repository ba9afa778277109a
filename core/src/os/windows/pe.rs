//! The headers of a module: of a file in the PE format, as it is in memory or on the disk.

/// Reads memory or a file, from an address or an offset on; false when it cannot.
pub(super) type ReadAt<'r> = &'r dyn Fn(usize, &mut [u8]) -> bool;

/// The facts in the headers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Headers {
    /// The address for which the module was linked. In memory it is the address where the module is.
    pub(super) preferred: u64,
    /// The bytes that the module takes in memory.
    pub(super) size: usize,
    /// Offset in memory and size of the table of functions, `.pdata`.
    pub(super) functions: (usize, usize),
    /// Offset in memory and size of the list of debug records.
    debug: (usize, usize),
}

/// The bytes of a CodeView record that identify a program database: GUID and age.
pub(super) const IDENTITY: usize = 20;

const fn word(bytes: &[u8], at: usize) -> Option<u32> {
    match bytes.split_at_checked(at) {
        Some((_, [a, b, c, d, ..])) => Some(u32::from_le_bytes([*a, *b, *c, *d])),
        _ => None,
    }
}

impl Headers {
    /// The headers of the module that begins at `start`; `None` when there is none for this kind of processor.
    pub(super) fn read(start: usize, read: ReadAt<'_>) -> Option<Headers> {
        /// The file header and what follows it, up to the directory of debug records.
        const LENGTH: usize = 24 + 112 + 7 * 8;
        /// The optional header of 64-bit programs.
        const PE32_PLUS: u32 = 0x20b;
        let mut dos = [0; 64];
        if !read(start, &mut dos) || !dos.starts_with(b"MZ") {
            return None;
        }
        let at = start.checked_add(word(&dos, 60)? as usize)?;
        let mut bytes = [0; LENGTH];
        if !read(at, &mut bytes) || !bytes.starts_with(b"PE\0\0") || word(&bytes, 24)? & 0xffff != PE32_PLUS {
            return None;
        }
        let directories = word(&bytes, 24 + 108)?;
        let directory = |number: usize| {
            let at = 24 + 112 + 8 * number;
            let is_there = number < directories as usize;
            is_there.then(|| Some((word(&bytes, at)? as usize, word(&bytes, at + 4)? as usize)))?
        };
        Some(Headers {
            preferred: u64::from(word(&bytes, 24 + 28)?) << 32 | u64::from(word(&bytes, 24 + 24)?),
            size: word(&bytes, 24 + 56)? as usize,
            functions: directory(3).unwrap_or_default(),
            debug: directory(6).unwrap_or_default(),
        })
    }

    /// GUID and age of the module's program database, of a module in memory; `None` when it names none.
    pub(super) fn identity(&self, start: usize, read: ReadAt<'_>) -> Option<[u8; IDENTITY]> {
        const RECORD: usize = 28;
        const CODE_VIEW: u32 = 2;
        const MOST: usize = 32;
        let (offset, length) = self.debug;
        (0..(length / RECORD).min(MOST)).find_map(|number| {
            let mut record = [0; RECORD];
            let is_code_view = read(start.checked_add(offset + number * RECORD)?, &mut record)
                && word(&record, 12) == Some(CODE_VIEW);
            let at = word(&record, 20).filter(|_| is_code_view)? as usize;
            let mut code_view = [0; 4 + IDENTITY];
            let is_there = read(start.checked_add(at)?, &mut code_view) && code_view.starts_with(b"RSDS");
            is_there.then(|| code_view.last_chunk().copied())?
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec::Vec;

    /// A module with a debug record and a database's GUID of sevens, age 3.
    fn module() -> Vec<u8> {
        let mut bytes = std::vec![0u8; 0x400];
        let mut put = |at: usize, content: &[u8]| bytes[at..at + content.len()].copy_from_slice(content);
        put(0, b"MZ");
        put(60, &[0x80, 0, 0, 0]);
        put(0x80, b"PE\0\0");
        put(0x80 + 24, &[0x0b, 2]);
        put(0x80 + 24 + 24, &0x1_4000_0000u64.to_le_bytes());
        put(0x80 + 24 + 56, &0x9000u32.to_le_bytes());
        put(0x80 + 24 + 108, &[16]);
        put(0x80 + 24 + 112 + 24, &[0, 0x50, 0, 0, 0x18]);
        put(0x80 + 24 + 112 + 48, &[0, 3, 0, 0, 28]);
        put(0x300 + 12, &[2]);
        put(0x300 + 20, &[0x40, 3]);
        put(0x340, b"RSDS");
        put(0x344, &[7; 16]);
        put(0x354, &[3]);
        bytes
    }

    fn reader(bytes: &[u8]) -> impl Fn(usize, &mut [u8]) -> bool {
        |at, to| bytes.get(at..at + to.len()).map(|from| to.copy_from_slice(from)).is_some()
    }

    #[test]
    fn headers_say_where_a_module_belongs_and_who_it_is() {
        let bytes = module();
        let headers = Headers::read(0, &reader(&bytes)).unwrap();
        assert_eq!((headers.preferred, headers.size), (0x1_4000_0000, 0x9000));
        assert_eq!(headers.functions, (0x5000, 0x18));
        let mut expected = [7; IDENTITY];
        expected[16..].copy_from_slice(&[3, 0, 0, 0]);
        assert_eq!(headers.identity(0, &reader(&bytes)), Some(expected));
    }

    #[test]
    fn damaged_headers_are_none() {
        let bytes = module();
        for length in 0..0x80 + 24 + 112 + 56 {
            assert_eq!(Headers::read(0, &reader(&bytes[..length])), None);
        }
        for (place, value) in [(0, 0), (63, 0xff), (0x80, 0), (0x98, 0)] {
            let mut bytes = bytes.clone();
            bytes[place] = value;
            assert_eq!(Headers::read(0, &reader(&bytes)), None, "{place}");
        }
        let mut few = bytes;
        few[0x80 + 24 + 108] = 3;
        assert_eq!(Headers::read(0, &reader(&few)).unwrap().functions, (0, 0));
    }
}
