//! Files of names, by their content: ELF, Mach-O, PE and PDB. A universal Mach-O file holds one for each machine.

use std::ops::{Deref, Range};

use object::Object;
use object::read::FileKind;
use object::read::macho::{FatArch, MachOFatFile32, MachOFatFile64};

use super::pdb;
use crate::input::Bytes;

/// A file of names, or the part of it that is for one machine.
pub(super) struct Binary {
    bytes: Bytes,
    range: Range<usize>,
}

/// A part of a file, and which build it is of.
struct Part {
    range: Range<usize>,
    build_id: Vec<u8>,
}

impl Deref for Binary {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        self.bytes.get(self.range.clone()).unwrap_or_default()
    }
}

impl Binary {
    /// The part of a file that a build id names, else the first one. With it, its own build id, which is empty when it
    /// has none.
    ///
    /// # Errors
    /// Why it is no file of names.
    pub(super) fn of(bytes: Bytes, build_id: &[u8]) -> Result<(Self, Vec<u8>), String> {
        let mut parts = parts(&bytes)?;
        let place = parts.iter().position(|part| part.build_id == build_id).unwrap_or(0);
        let Part { range, build_id } = parts.swap_remove(place);
        Ok((Binary { bytes, range }, build_id))
    }

    /// The same, where no other build will do.
    pub(super) fn of_build(bytes: Bytes, build_id: &[u8]) -> Option<Self> {
        let (binary, own) = Self::of(bytes, build_id).ok()?;
        (own == build_id).then_some(binary)
    }

    /// All of a file.
    pub(super) fn whole(bytes: Bytes) -> Self {
        let range = 0..bytes.len();
        Binary { bytes, range }
    }
}

/// The build ids of a file: one, or one for each machine. Empty where there is none.
///
/// # Errors
/// Why it is no file of names.
pub(super) fn build_ids(bytes: &[u8]) -> Result<Vec<Vec<u8>>, String> {
    Ok(parts(bytes)?.into_iter().map(|part| part.build_id).collect())
}

/// Never empty.
fn parts(bytes: &[u8]) -> Result<Vec<Part>, String> {
    let ranges = match FileKind::parse(bytes) {
        Ok(FileKind::MachOFat32) => ranges(MachOFatFile32::parse(bytes).map_err(text)?.arches()),
        Ok(FileKind::MachOFat64) => ranges(MachOFatFile64::parse(bytes).map_err(text)?.arches()),
        _ => return Ok(vec![Part { range: 0..bytes.len(), build_id: build_id(bytes)? }]),
    };
    let mut parts = Vec::new();
    for range in ranges {
        let part = bytes.get(range.clone()).ok_or("it ends within one of its parts")?;
        parts.push(Part { range, build_id: build_id(part)? });
    }
    if parts.is_empty() { Err("it has no part for any machine".into()) } else { Ok(parts) }
}

fn ranges(arches: &[impl FatArch]) -> Vec<Range<usize>> {
    let place = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
    let range = |(offset, size): (u64, u64)| place(offset)..place(offset.saturating_add(size));
    arches.iter().map(|arch| range(arch.file_range())).collect()
}

/// GNU's build id, the UUID of Mach-O, GUID and age of PE and PDB.
fn build_id(bytes: &[u8]) -> Result<Vec<u8>, String> {
    if pdb::is_pdb(bytes) {
        return pdb::build_id(bytes);
    }
    let file = object::File::parse(bytes).map_err(text)?;
    if let Ok(Some(id)) = file.build_id() {
        return Ok(id.to_vec());
    }
    if let Ok(Some(view)) = file.pdb_info() {
        return Ok(pdb::id(view.guid(), view.age()));
    }
    Ok(file.mach_uuid().ok().flatten().map(Vec::from).unwrap_or_default())
}

fn text(error: object::Error) -> String {
    error.to_string()
}
