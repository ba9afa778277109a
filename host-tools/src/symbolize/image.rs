//! One opened binary: its debug information and its symbol table.

use std::borrow::Cow;

use addr2line::{LookupContinuation, LookupResult};
use gimli::{DwarfSections, EndianSlice, RunTimeEndian};
use object::{Object, ObjectSection};

use super::contained::contained;
use super::depth::is_sane;
use super::pdb::{self, Pdb, PdbNames};
use super::raw_frame::RawFrame;
use super::section::section;
use super::split::{Places, Splits};
use super::starts::Starts;
use super::table::Table;

type Slice<'i> = EndianSlice<'i, RunTimeEndian>;

/// The names in a binary. Threads share it; each makes its own [`Names`].
pub(super) struct Image<'a> {
    sections: Option<DwarfSections<Cow<'a, [u8]>>>,
    /// The debug information that this binary shares with others.
    supplement: Option<DwarfSections<Cow<'a, [u8]>>>,
    endian: RunTimeEndian,
    pdb: Option<Pdb<'a>>,
    table: Table<'a>,
    starts: Option<Starts<'a>>,
    splits: Splits,
}

/// Whether a binary has debug information.
pub(super) fn has_debug_info(bytes: &[u8]) -> bool {
    let read = || object::File::parse(bytes).is_ok_and(|file| has_dwarf(&file));
    pdb::is_pdb(bytes) || contained(read).unwrap_or(false)
}

impl<'a> Image<'a> {
    /// Reads a binary. Debug information comes from the first of `files` that has it, symbols from all of
    /// them; `supplement` is the file of shared debug information. `base` is the module's lowest address,
    /// unless one of the files has its own.
    ///
    /// # Errors
    /// Returns the reason why a file can't be used.
    pub(super) fn new(
        files: &[&'a [u8]],
        supplement: Option<&'a [u8]>,
        base: u64,
        places: &Places,
    ) -> Result<Self, String> {
        contained(|| Image::read(files, supplement, base, places))?
    }

    fn read(
        files: &[&'a [u8]],
        supplement: Option<&'a [u8]>,
        base: u64,
        places: &Places,
    ) -> Result<Self, String> {
        let mut image = Image {
            sections: None,
            supplement: supplement.and_then(|bytes| dwarf(&object::File::parse(bytes).ok()?)),
            endian: RunTimeEndian::Little,
            pdb: None,
            table: Table::default(),
            starts: None,
            splits: Splits::default(),
        };
        let (databases, binaries): (Vec<&[u8]>, Vec<&[u8]>) =
            files.iter().partition(|bytes| pdb::is_pdb(bytes));
        let mut base = base;
        for bytes in binaries {
            let file = object::File::parse(bytes).map_err(|e| e.to_string())?;
            image.endian = if file.is_little_endian() { RunTimeEndian::Little } else { RunTimeEndian::Big };
            if image.sections.is_none() && has_dwarf(&file) {
                image.sections = dwarf(&file);
            }
            image.table.add(&file);
            image.starts = image.starts.or_else(|| Starts::new(&file));
            base = file.relative_address_base();
        }
        if image.sections.is_none()
            && let Some(bytes) = databases.first()
        {
            image.pdb = Some(Pdb::new(bytes, base)?);
        }
        if let Some(dwarf) = image.dwarf() {
            if !is_sane(&dwarf) {
                return Err("its debug information nests deeper than that of any program".into());
            }
            image.splits = Splits::new(&dwarf, places);
        }
        image.table.sort();
        Ok(image)
    }

    /// Whether it has debug information.
    pub(super) fn has_debug_info(&self) -> bool {
        self.sections.is_some() || self.pdb.is_some()
    }

    /// Whether it has any symbols.
    pub(super) fn has_symbols(&self) -> bool {
        !self.table.is_empty()
    }

    /// Opens it for lookups in one thread.
    pub(super) fn names(&self) -> Names<'_, 'a> {
        let read = || self.dwarf().and_then(|dwarf| addr2line::Context::from_dwarf(dwarf).ok());
        let context = contained(read).ok().flatten();
        Names { context, pdb: self.pdb.as_ref().and_then(Pdb::names), image: self }
    }

    fn dwarf(&self) -> Option<gimli::Dwarf<Slice<'_>>> {
        let sections = self.sections.as_ref()?;
        let supplement = self.supplement.as_ref();
        Some(sections.borrow_with_sup(supplement, |section| EndianSlice::new(section, self.endian)))
    }
}

/// Looks up addresses in one thread.
pub(super) struct Names<'i, 'a> {
    context: Option<addr2line::Context<Slice<'i>>>,
    pdb: Option<PdbNames<'i, 'a>>,
    image: &'i Image<'a>,
}

impl<'i> Names<'i, '_> {
    /// The start of the function that contains an address; `None` if unwind tables don't have it.
    pub(super) fn start(&self, svma: u64) -> Option<u64> {
        contained(|| self.image.starts.as_ref()?.of(svma)).ok()?
    }

    /// The frames at an address, innermost first: inlined functions, then the function into which they were
    /// inlined. Empty if nothing is known.
    pub(super) fn frames(&self, svma: u64) -> Vec<RawFrame<'_>> {
        let mut frames = Vec::new();
        if let Some(context) = &self.context {
            let read = || {
                let mut frames = Vec::new();
                self.debug_frames(context, svma, &mut frames);
                frames
            };
            frames = contained(read).unwrap_or_default();
        }
        if let Some(pdb) = &self.pdb {
            frames = pdb.frames(svma);
        }
        if let Some(symbol) = self.image.table.find(svma) {
            match frames.last_mut() {
                // Debug information with line tables only has function names without their paths.
                Some(frame)
                    if frame.symbol.as_ref().is_some_and(|name| !is_plain(name) || is_plain(symbol)) => {}
                Some(frame) => frame.symbol = Some(symbol.into()),
                None => frames.push(RawFrame { symbol: Some(symbol.into()), file: None, line: 0 }),
            }
        }
        frames.retain(|frame| frame.symbol.is_some());
        frames
    }

    fn debug_frames<'c>(
        &'c self,
        context: &'c addr2line::Context<Slice<'i>>,
        svma: u64,
        out: &mut Vec<RawFrame<'c>>,
    ) {
        /// No compiler inlines deeper, so deeper debug information is damaged.
        const MAX_INLINED: usize = 128;
        let mut lookup = context.find_frames(svma);
        let frames = loop {
            match lookup {
                LookupResult::Output(frames) => break frames,
                LookupResult::Load { load, continuation } => {
                    let unit = self.image.splits.unit(load.dwo_id, &load.parent, self.image.endian);
                    lookup = continuation.resume(unit);
                }
            }
        };
        let Ok(mut frames) = frames else { return };
        while let Ok(Some(frame)) = frames.next() {
            let symbol = frame.function.and_then(|function| match function.name.to_string_lossy() {
                name if name.is_empty() => None,
                name => Some(name),
            });
            let (file, line) =
                frame.location.map_or((None, 0), |at| (at.file.map(Cow::Borrowed), at.line.unwrap_or(0)));
            out.push(RawFrame { symbol, file, line });
            if out.len() == MAX_INLINED {
                break;
            }
        }
    }
}

/// Whether a name is not mangled, but as in the source.
fn is_plain(name: &str) -> bool {
    !name.starts_with("_Z") && !name.starts_with("_R") && !name.starts_with("__Z")
}

fn dwarf<'a>(file: &object::File<'a>) -> Option<DwarfSections<Cow<'a, [u8]>>> {
    DwarfSections::load(|id: gimli::SectionId| Ok::<_, gimli::Error>(section(file, id.name()))).ok()
}

fn has_dwarf(file: &object::File<'_>) -> bool {
    file.section_by_name(".debug_info").is_some_and(|section| section.size() > 0)
}
