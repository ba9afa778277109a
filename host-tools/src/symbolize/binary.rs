//! Opens files with names: ELF, Mach-O, PE, WebAssembly and PDB. A universal Mach-O file holds one binary per
//! architecture.

use std::ops::{Deref, Range};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use object::read::FileKind;
use object::read::macho::{FatArch, MachOFatFile32, MachOFatFile64};
use object::{BinaryFormat, Object, ObjectSection, SectionKind};

use super::contained::contained;
use super::pdb;
use crate::Error;
use crate::input::{self, Bytes};

/// An opened file.
#[derive(Clone)]
pub(super) struct File {
    path: PathBuf,
    bytes: Arc<Bytes>,
}

/// A file with names, or the part of it for one architecture.
#[derive(Clone)]
pub(super) struct Binary {
    file: File,
    range: Range<usize>,
}

/// A part of a file, with its build id.
struct Part {
    range: Range<usize>,
    build_id: Vec<u8>,
}

impl File {
    /// Opens a regular file.
    ///
    /// # Errors
    /// Returns an error if the path is no regular file, or can't be read.
    pub(super) fn open(path: &Path) -> Result<Self, Error> {
        Ok(File::new(path, input::open_regular(path)?))
    }

    /// A file with the given content and path.
    pub(super) fn new(path: &Path, bytes: Bytes) -> Self {
        File { path: path.into(), bytes: Arc::new(bytes) }
    }

    /// The build ids of a file, one per architecture; empty for a part without one.
    ///
    /// # Errors
    /// Returns the reason why it is no file with names.
    pub(super) fn build_ids(&self) -> Result<Vec<Vec<u8>>, String> {
        Ok(parts(&self.bytes)?.into_iter().map(|part| part.build_id).collect())
    }

    /// What the address of code in the running program is above the one in symbols and debug information, in a file of a
    /// program without modules. An engine counts the code of WebAssembly from the start of the file; the file's own
    /// tables count it from the start of its code section. 0 for other files.
    pub(super) fn code_start(&self) -> u64 {
        contained(|| code_start(&self.bytes)).ok().flatten().unwrap_or(0)
    }

    /// The part of a file that has this build id, else the first part; with its own build id, which is empty
    /// if it has none.
    ///
    /// # Errors
    /// Returns the reason why it is no file with names.
    pub(super) fn of(self, build_id: &[u8]) -> Result<(Binary, Vec<u8>), String> {
        let mut parts = parts(&self.bytes)?;
        let place = parts.iter().position(|part| part.build_id == build_id).unwrap_or(0);
        let Part { range, build_id } = parts.swap_remove(place);
        Ok((Binary { file: self, range }, build_id))
    }

    /// The part of a file that has this build id.
    pub(super) fn of_build(self, build_id: &[u8]) -> Option<Binary> {
        let (binary, own) = self.of(build_id).ok()?;
        (own == build_id).then_some(binary)
    }
}

impl Deref for Binary {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        self.file.bytes.get(self.range.clone()).unwrap_or_default()
    }
}

impl Binary {
    /// Opens the file of the given build.
    pub(super) fn open(path: &Path, build_id: &[u8]) -> Option<Self> {
        File::open(path).ok()?.of_build(build_id)
    }

    /// The path of its file.
    pub(super) fn path(&self) -> &Path {
        &self.file.path
    }
}

/// The parts of a file; at least one.
fn parts(bytes: &[u8]) -> Result<Vec<Part>, String> {
    contained(|| read_parts(bytes))?
}

fn read_parts(bytes: &[u8]) -> Result<Vec<Part>, String> {
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
    if parts.is_empty() { Err("it has no part for any architecture".into()) } else { Ok(parts) }
}

fn ranges(arches: &[impl FatArch]) -> Vec<Range<usize>> {
    let place = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
    let range = |(offset, size): (u64, u64)| place(offset)..place(offset.saturating_add(size));
    arches.iter().map(|arch| range(arch.file_range())).collect()
}

fn code_start(bytes: &[u8]) -> Option<u64> {
    let file = object::File::parse(bytes).ok().filter(|file| file.format() == BinaryFormat::Wasm)?;
    let code = file.sections().find(|section| section.kind() == SectionKind::Text)?;
    Some(code.file_range()?.0)
}

/// The build id of GNU, the UUID of Mach-O, or GUID and age of PE and PDB.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_of_webassembly_starts_behind_the_head_of_its_section() {
        // The header; a type and a function of it; a section of code, whose content starts at 20.
        let bytes = b"\0asm\x01\0\0\0\x01\x04\x01\x60\0\0\x03\x02\x01\0\x0a\x04\x01\x02\0\x0b";
        assert_eq!((code_start(bytes), code_start(b"\0asm")), (Some(20), None));
    }
}
