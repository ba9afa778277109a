//! Files for macOS, which nothing runs here: the facts in them on which the tracker depends.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use object::read::macho::MachOFile64;
use object::{Endianness, Object, ObjectSection};

/// A file that cargo links.
#[derive(Clone, Copy)]
pub(super) struct Linked {
    pub(super) package: &'static str,
    pub(super) file: &'static str,
    /// It has the tracker in it.
    pub(super) is_tracked: bool,
}

impl Linked {
    /// Inspects the file in the folder where cargo puts it.
    pub(super) fn inspect(&self, folder: &Path) -> Result<()> {
        let path = folder.join(self.file);
        let inspected = || {
            let bytes = fs::read(&path)?;
            self.inspect_parsed(&MachOFile64::parse(&*bytes)?)
        };
        inspected().with_context(|| path.display().to_string())
    }

    fn inspect_parsed(&self, file: &MachOFile64<Endianness>) -> Result<()> {
        let size = |name: &str| file.section_by_name(name).map_or(0, |section| section.size());
        // A dump has it, and the host tool finds the file with the names by it.
        ensure!(file.mach_uuid()?.is_some_and(|uuid| uuid != [0; 16]), "the linker has given it no UUID");
        // The unwinder reads it.
        ensure!(size("__unwind_info") > 0, "it has no compact unwind information");
        // By it the tracker starts before `main`.
        ensure!(!self.is_tracked || size("__mod_init_func") > 0, "it has no initializer");
        Ok(())
    }
}
