//! Program databases (PDB): files with the debug information of Windows programs.

use std::borrow::Cow;
use std::io::Cursor;

use pdb_addr2line::pdb::PDB;
use pdb_addr2line::{Context, ContextPdbData, TypeFormatterFlags};

use super::contained::contained;
use super::raw_frame::RawFrame;

/// The first bytes of a database. The format used before 2000 is not supported.
const MAGIC: &[u8] = b"Microsoft C/C++ MSF 7.00\r\n\x1aDS\0\0\0";

/// Whether a file is a database.
pub(super) fn is_pdb(bytes: &[u8]) -> bool {
    bytes.starts_with(MAGIC)
}

/// GUID and age, in the order of the binary's CodeView record.
pub(super) fn id(guid: [u8; 16], age: u32) -> Vec<u8> {
    [&guid[..], &age.to_le_bytes()].concat()
}

/// The form in which symbol servers write GUID and age in folder names; `None` for build ids of another
/// length.
pub(super) fn store_name(build_id: &[u8]) -> Option<String> {
    let (guid, age) = build_id.split_first_chunk::<16>()?;
    let age = u32::from_le_bytes(age.try_into().ok()?);
    // The first three parts of a GUID are numbers, lowest byte first.
    let parts = [&guid[..4], &guid[4..6], &guid[6..8]].map(|part| part.iter().rev());
    let bytes = parts.into_iter().flatten().chain(&guid[8..]);
    Some(bytes.map(|byte| format!("{byte:02X}")).collect::<String>() + &format!("{age:X}"))
}

/// GUID and age of a database.
pub(super) fn build_id(bytes: &[u8]) -> Result<Vec<u8>, String> {
    contained(|| read_build_id(bytes))?
}

fn read_build_id(bytes: &[u8]) -> Result<Vec<u8>, String> {
    let mut pdb = open(bytes)?;
    let about = pdb.pdb_information().map_err(|e| e.to_string())?;
    // Binaries refer to the age of the debug information, not to that of the file.
    let age = pdb.debug_information().ok().and_then(|symbols| symbols.age()).unwrap_or(about.age);
    Ok(id(about.guid.to_bytes_le(), age))
}

fn open(bytes: &[u8]) -> Result<PDB<'_, Cursor<&[u8]>>, String> {
    PDB::open(Cursor::new(bytes)).map_err(|e| e.to_string())
}

/// An opened database. Threads share it; each makes its own [`PdbNames`].
pub(super) struct Pdb<'a> {
    data: ContextPdbData<'a, 'a, Cursor<&'a [u8]>>,
    /// The binary's lowest address: a database counts from there.
    base: u64,
}

impl<'a> Pdb<'a> {
    pub(super) fn new(bytes: &'a [u8], base: u64) -> Result<Self, String> {
        let read = || ContextPdbData::try_from_pdb(open(bytes)?).map_err(|e| e.to_string());
        Ok(Pdb { data: contained(read)??, base })
    }

    /// Opens it for lookups in one thread.
    pub(super) fn names(&self) -> Option<PdbNames<'_, 'a>> {
        // No arguments: a database has them for functions of C and Rust as well, which have no overloads.
        let flags = TypeFormatterFlags::default() | TypeFormatterFlags::NO_ARGUMENTS;
        let context = contained(|| self.data.make_context_with_formatter_flags(flags)).ok()?.ok()?;
        Some(PdbNames { context, base: self.base })
    }
}

/// Looks up addresses in a database.
pub(super) struct PdbNames<'p, 'a> {
    context: Context<'p, 'a>,
    base: u64,
}

impl PdbNames<'_, '_> {
    /// The frames at an address, innermost first.
    pub(super) fn frames(&self, svma: u64) -> Vec<RawFrame<'_>> {
        let Some(place) = svma.checked_sub(self.base).and_then(|place| u32::try_from(place).ok()) else {
            return Vec::new();
        };
        let Ok(Ok(Some(found))) = contained(|| self.context.find_frames(place)) else { return Vec::new() };
        found.frames.into_iter().map(raw).collect()
    }
}

fn raw(frame: pdb_addr2line::Frame<'_>) -> RawFrame<'_> {
    RawFrame {
        symbol: frame.function.filter(|name| !name.is_empty()).map(Cow::Owned),
        file: frame.file,
        line: frame.line.unwrap_or(0),
    }
}
