//! One opened binary: its debug information and its symbol table.

use std::borrow::Cow;

use addr2line::{LookupContinuation, LookupResult};
use gimli::{DwarfSections, EndianSlice, RunTimeEndian};
use object::{BinaryFormat, Object, ObjectSection, ObjectSymbol, SymbolKind};

use super::split::{Places, Splits};

/// Longer sections are taken for damage.
const MAX_SECTION: u64 = 4 << 30;

type Slice<'i> = EndianSlice<'i, RunTimeEndian>;

/// What is known of a binary. Shared by threads; each makes a [`Names`] of it.
pub(super) struct Image<'a> {
    sections: Option<DwarfSections<Cow<'a, [u8]>>>,
    endian: RunTimeEndian,
    symbols: Vec<Symbol<'a>>,
    splits: Splits,
}

/// A function of the symbol table: `start..end`.
#[derive(Clone, Copy)]
struct Symbol<'a> {
    start: u64,
    end: u64,
    /// Which of several at one address to prefer: the highest.
    rank: u8,
    name: &'a str,
}

/// A frame as the binary tells it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct RawFrame<'i> {
    /// The symbol, mangled where the compiler mangles.
    pub(super) symbol: Option<Cow<'i, str>>,
    /// Path of the source file.
    pub(super) file: Option<&'i str>,
    /// Line in it, 0 when unknown.
    pub(super) line: u32,
}

/// The build id of a binary, empty when it has none.
pub(super) fn build_id(bytes: &[u8]) -> Result<Vec<u8>, String> {
    let file = object::File::parse(bytes).map_err(|e| e.to_string())?;
    if let Ok(Some(id)) = file.build_id() {
        return Ok(id.to_vec());
    }
    Ok(file.mach_uuid().ok().flatten().map(Vec::from).unwrap_or_default())
}

/// Whether a binary has debug information.
pub(super) fn has_debug_info(bytes: &[u8]) -> bool {
    object::File::parse(bytes).is_ok_and(|file| has_dwarf(&file))
}

impl<'a> Image<'a> {
    /// Reads a binary. Debug information comes from the first of `files` that has it, symbols from all.
    pub(super) fn new(files: &[&'a [u8]], places: &Places) -> Result<Self, String> {
        let mut image = Image {
            sections: None,
            endian: RunTimeEndian::Little,
            symbols: Vec::new(),
            splits: Splits::default(),
        };
        for bytes in files {
            let file = object::File::parse(*bytes).map_err(|e| e.to_string())?;
            image.endian = if file.is_little_endian() { RunTimeEndian::Little } else { RunTimeEndian::Big };
            if image.sections.is_none() && has_dwarf(&file) {
                let load = |id: gimli::SectionId| Ok::<_, gimli::Error>(section(&file, id.name()));
                image.sections = DwarfSections::load(load).ok();
            }
            symbols(&file, &mut image.symbols);
        }
        if let Some(dwarf) = image.dwarf() {
            image.splits = Splits::new(&dwarf, places);
        }
        // The preferred one of an address stands last; equal ones are told apart by name, for the same output
        // every time.
        image.symbols.sort_unstable_by(|a, b| (a.start, a.rank, b.name).cmp(&(b.start, b.rank, a.name)));
        Ok(image)
    }

    /// Whether it has debug information.
    pub(super) fn has_debug_info(&self) -> bool {
        self.sections.is_some()
    }

    /// Whether it has any symbols.
    pub(super) fn has_symbols(&self) -> bool {
        !self.symbols.is_empty()
    }

    /// Makes it ready for questions, in one thread.
    pub(super) fn names(&self) -> Names<'_> {
        let context = self.dwarf().and_then(|dwarf| addr2line::Context::from_dwarf(dwarf).ok());
        Names { context, image: self }
    }

    fn dwarf(&self) -> Option<gimli::Dwarf<Slice<'_>>> {
        let sections = self.sections.as_ref()?;
        Some(sections.borrow(|section| EndianSlice::new(section, self.endian)))
    }

    /// The symbol that holds an address.
    fn symbol(&self, svma: u64) -> Option<&str> {
        /// How many smaller symbols may stand between the start of one and an address in it.
        const NESTED: usize = 16;
        let after = self.symbols.partition_point(|symbol| symbol.start <= svma);
        let near = self.symbols[..after].iter().rev().take(NESTED);
        near.clone().find(|symbol| svma < symbol.end).map(|symbol| symbol.name)
    }
}

/// Answers what stands at an address.
pub(super) struct Names<'i> {
    context: Option<addr2line::Context<Slice<'i>>>,
    image: &'i Image<'i>,
}

impl<'i> Names<'i> {
    /// The frames at an address, innermost first: inlined functions, then the one they were inlined into. Empty
    /// when nothing is known.
    pub(super) fn frames(&self, svma: u64) -> Vec<RawFrame<'_>> {
        let mut frames = Vec::new();
        if let Some(context) = &self.context {
            self.debug_frames(context, svma, &mut frames);
        }
        if let Some(symbol) = self.image.symbol(svma) {
            match frames.last_mut() {
                // With line tables only, debug information has names without their paths.
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
        /// No compiler inlines deeper; debug information that says so is damaged.
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
            let (file, line) = frame.location.map_or((None, 0), |at| (at.file, at.line.unwrap_or(0)));
            out.push(RawFrame { symbol, file, line });
            if out.len() == MAX_INLINED {
                break;
            }
        }
    }
}

/// Whether a name is not mangled: it is what the programmer wrote.
fn is_plain(name: &str) -> bool {
    !name.starts_with("_Z") && !name.starts_with("_R") && !name.starts_with("__Z")
}

fn has_dwarf(file: &object::File<'_>) -> bool {
    file.section_by_name(".debug_info").is_some_and(|section| section.size() > 0)
}

/// A section's bytes, unpacked; none where there is none.
pub(super) fn section<'a>(file: &object::File<'a>, name: &str) -> Cow<'a, [u8]> {
    let Some(section) = file.section_by_name(name) else { return Cow::Borrowed(&[]) };
    let small = section.compressed_data().is_ok_and(|data| data.uncompressed_size <= MAX_SECTION);
    if small { section.uncompressed_data().unwrap_or_default() } else { Cow::Borrowed(&[]) }
}

fn symbols<'a>(file: &object::File<'a>, out: &mut Vec<Symbol<'a>>) {
    let thumb = file.architecture() == object::Architecture::Arm;
    let first = out.len();
    for symbol in file.symbols().chain(file.dynamic_symbols()) {
        let rank = match symbol.kind() {
            SymbolKind::Text => 4,
            // Assembly without type directives.
            SymbolKind::Unknown | SymbolKind::Label => 0,
            _ => continue,
        };
        let Ok(name) = symbol.name() else { continue };
        // `$a`, `$x`, …: what kind of code follows, on ARM and RISC-V. `.L…`: labels of assembly inside functions.
        if !symbol.is_definition() || name.is_empty() || name.starts_with('$') || name.starts_with(".L") {
            continue;
        }
        let rank = rank + u8::from(symbol.is_global()) * 2 + u8::from(symbol.size() > 0);
        let start = if thumb { symbol.address() & !1 } else { symbol.address() };
        // Without a size it reaches to the next symbol, at most to the end of its section.
        let end = match symbol.size() {
            0 => section_end(file, &symbol).unwrap_or(start),
            size => start.saturating_add(size),
        };
        out.push(Symbol { start, end, rank, name: mach_o_name(file, name) });
    }
    let new = &mut out[first..];
    new.sort_unstable_by_key(|symbol| symbol.start);
    let mut next = u64::MAX;
    let mut same = u64::MAX;
    for symbol in new.iter_mut().rev() {
        if symbol.start != same {
            next = std::mem::replace(&mut same, symbol.start);
        }
        if symbol.rank % 2 == 0 {
            symbol.end = symbol.end.min(next);
        }
    }
}

fn section_end(file: &object::File<'_>, symbol: &object::Symbol<'_, '_>) -> Option<u64> {
    let section = file.section_by_index(symbol.section_index()?).ok()?;
    Some(section.address().saturating_add(section.size()))
}

/// Mach-O puts an underscore before every name.
fn mach_o_name<'a>(file: &object::File<'_>, name: &'a str) -> &'a str {
    if file.format() == BinaryFormat::MachO { name.strip_prefix('_').unwrap_or(name) } else { name }
}
