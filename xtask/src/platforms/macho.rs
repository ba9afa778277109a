//! Files for macOS, which nothing runs here: the facts in them on which the tracker depends.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use object::read::macho::{MachOFile64, MachOSymbol64};
use object::{Endianness, Object, ObjectSection, ObjectSymbol};

/// A file that cargo links.
#[derive(Clone, Copy)]
pub(super) struct Linked {
    pub(super) package: &'static str,
    pub(super) file: &'static str,
    pub(super) content: Content,
}

/// What is in a file.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Content {
    /// A program without a tracker.
    Tool,
    /// A program with a tracker.
    Tracked,
    /// The library that replaces functions of the C library.
    Library,
}

/// The functions that the library replaces: `ffi/src/interpose.rs`. Those with a type are in newer systems only.
const REPLACED: usize = 32;
const NEWER: &str = "_malloc_type_";

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
        ensure!(self.content == Content::Tool || size("__mod_init_func") > 0, "it has no initializer");
        if self.content == Content::Library {
            let pair = 2 * size_of::<u64>() as u64;
            ensure!(
                size("__interpose") == REPLACED as u64 * pair,
                "it does not replace {REPLACED} functions"
            );
            let newer = |symbol: &MachOSymbol64<'_, '_, Endianness>| {
                symbol.is_undefined() && symbol.name().is_ok_and(|name| name.starts_with(NEWER))
            };
            let mut newer = file.symbols().filter(newer).peekable();
            ensure!(newer.peek().is_some(), "it does not replace the functions with a type");
            // Older systems would not load it.
            ensure!(newer.all(|symbol| symbol.is_weak()), "it needs functions that only newer systems have");
        }
        Ok(())
    }
}
