//! The headers of executables and libraries in memory, in the Mach-O format of 64 bits.

/// `MH_MAGIC_64`.
const MAGIC: u32 = 0xfeed_facf;
/// `MH_EXECUTE`: the program itself.
const EXECUTE: u32 = 2;
/// The size of the header, behind which the commands follow.
const HEADER: usize = 32;
/// `LC_SEGMENT_64`, the size of the part of it that precedes the sections, and the size of a section.
const SEGMENT: u32 = 0x19;
const SEGMENT_SIZE: usize = 72;
const SECTION_SIZE: usize = 80;
/// `LC_UUID`.
const UUID: u32 = 0x1b;

/// The facts that the tracker needs about a module. Addresses are those of its file.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Headers {
    /// The segment `__TEXT`, which begins with the header and contains all code: its address and its length.
    pub(super) text: [u64; 2],
    /// The sections `__unwind_info` and `__eh_frame` of that segment; zeros for none.
    pub(super) unwind_info: [u64; 2],
    pub(super) eh_frame: [u64; 2],
    /// The number by which the file with the names is known; zeros for none.
    pub(super) uuid: [u8; 16],
    /// It is the program itself, and no library.
    pub(super) is_program: bool,
}

impl Headers {
    /// Reads the header and the commands of a module; `None` when the bytes are another format's, or when there is no code.
    /// The bytes begin with the header, and may end anywhere behind the commands.
    pub(super) fn parse(bytes: &[u8]) -> Option<Headers> {
        let word = |at: usize| Some(u32::from_ne_bytes(*bytes.get(at..)?.first_chunk()?));
        let long = |at: usize| Some(u64::from_ne_bytes(*bytes.get(at..)?.first_chunk()?));
        if word(0)? != MAGIC {
            return None;
        }
        let mut headers = Headers { is_program: word(12)? == EXECUTE, ..Headers::default() };
        let mut at = HEADER;
        for _ in 0..word(16)? {
            let (command, size) = (word(at)?, word(at + 4)? as usize);
            match command {
                SEGMENT if size >= SEGMENT_SIZE && bytes.get(at + 8..)?.starts_with(b"__TEXT\0") => {
                    headers.text = [long(at + 24)?, long(at + 32)?];
                    for section in (at + SEGMENT_SIZE..at + size).step_by(SECTION_SIZE) {
                        let range = [long(section + 32)?, long(section + 40)?];
                        match bytes.get(section..)?.first_chunk()? {
                            b"__unwind_info\0\0\0" => headers.unwind_info = range,
                            b"__eh_frame\0\0\0\0\0\0" => headers.eh_frame = range,
                            _ => {}
                        }
                    }
                }
                UUID => headers.uuid = *bytes.get(at + 8..)?.first_chunk()?,
                _ => {}
            }
            // A command is longer than its own head.
            at = at.checked_add(size.max(8))?;
        }
        (headers.text[1] != 0).then_some(headers)
    }

    /// The number of bytes of the header and the commands, from the first bytes of a module; `None` for another format.
    pub(super) fn size(start: &[u8; HEADER]) -> Option<usize> {
        let word = |at: usize| start[at..].first_chunk().map(|bytes| u32::from_ne_bytes(*bytes));
        (word(0)? == MAGIC).then_some(HEADER + word(20)? as usize)
    }
}
