//! The symbol table of a binary, which names functions even without debug information.

use object::macho::LC_FUNCTION_STARTS;
use object::read::macho::{LoadCommandVariant, MachHeader, MachOFile};
use object::{BinaryFormat, Object, ObjectSection, ObjectSegment, ObjectSymbol, SymbolKind};

/// Functions, by address.
#[derive(Default)]
pub(super) struct Table<'a> {
    symbols: Vec<Symbol<'a>>,
}

/// A function at `start..end`.
#[derive(Clone, Copy)]
struct Symbol<'a> {
    start: u64,
    end: u64,
    /// The preference among symbols at one address: the highest wins.
    rank: u8,
    name: &'a str,
}

impl<'a> Table<'a> {
    /// Adds the symbols of a binary. Call [`Table::sort`] after the last.
    pub(super) fn add(&mut self, file: &object::File<'a>) {
        let thumb = file.architecture() == object::Architecture::Arm;
        let first = self.symbols.len();
        for symbol in file.symbols().chain(file.dynamic_symbols()) {
            let rank = match symbol.kind() {
                SymbolKind::Text => 4,
                // Assembly without type directives has these kinds.
                SymbolKind::Unknown | SymbolKind::Label => 0,
                _ => continue,
            };
            let Ok(name) = symbol.name() else { continue };
            // On ARM and RISC-V, `$a`, `$x`, … say which kind of code follows. `.L…` are labels of assembly
            // inside functions.
            if !symbol.is_definition() || name.is_empty() || name.starts_with('$') || name.starts_with(".L") {
                continue;
            }
            let rank = rank + u8::from(symbol.is_global()) * 2 + u8::from(symbol.size() > 0);
            let start = if thumb { symbol.address() & !1 } else { symbol.address() };
            // A symbol without a size reaches to the next symbol, or to the end of its section.
            let end = match symbol.size() {
                0 => section_end(file, &symbol).unwrap_or(start),
                size => start.saturating_add(size),
            };
            self.symbols.push(Symbol { start, end, rank, name: mach_o_name(file, name) });
        }
        let starts = function_starts(file);
        let new = &mut self.symbols[first..];
        new.sort_unstable_by_key(|symbol| symbol.start);
        let mut next = u64::MAX;
        let mut same = u64::MAX;
        for symbol in new.iter_mut().rev() {
            if symbol.start != same {
                next = std::mem::replace(&mut same, symbol.start);
            }
            if symbol.rank % 2 == 0 {
                let after = starts.partition_point(|&start| start <= symbol.start);
                symbol.end = symbol.end.min(next).min(starts.get(after).copied().unwrap_or(u64::MAX));
            }
        }
    }

    /// Sorts for lookups. The preferred symbol of an address comes last. The name decides between equal ones,
    /// so that the output is always the same.
    pub(super) fn sort(&mut self) {
        self.symbols.sort_unstable_by(|a, b| (a.start, a.rank, b.name).cmp(&(b.start, b.rank, a.name)));
    }

    /// Whether there are no symbols.
    pub(super) fn is_empty(&self) -> bool {
        self.symbols.is_empty()
    }

    /// The symbol that contains an address.
    pub(super) fn find(&self, svma: u64) -> Option<&str> {
        /// The most smaller symbols between the start of a symbol and an address in it.
        const NESTED: usize = 16;
        let after = self.symbols.partition_point(|symbol| symbol.start <= svma);
        let mut near = self.symbols[..after].iter().rev().take(NESTED);
        near.find(|symbol| svma < symbol.end).map(|symbol| symbol.name)
    }
}

fn section_end(file: &object::File<'_>, symbol: &object::Symbol<'_, '_>) -> Option<u64> {
    let section = file.section_by_index(symbol.section_index()?).ok()?;
    Some(section.address().saturating_add(section.size()))
}

/// Strips the underscore that Mach-O puts before every name.
fn mach_o_name<'a>(file: &object::File<'_>, name: &'a str) -> &'a str {
    if file.format() == BinaryFormat::MachO { name.strip_prefix('_').unwrap_or(name) } else { name }
}

/// The starts of functions in a Mach-O file, by rising address. Its symbols have no sizes, and those of local
/// functions may have been stripped.
fn function_starts(file: &object::File<'_>) -> Vec<u64> {
    let mut starts = match file {
        object::File::MachO32(file) => mach_o_starts(file),
        object::File::MachO64(file) => mach_o_starts(file),
        _ => None,
    }
    .unwrap_or_default();
    starts.sort_unstable();
    starts
}

fn mach_o_starts<Mach: MachHeader>(file: &MachOFile<'_, Mach>) -> Option<Vec<u64>> {
    let text = file.segments().find(|segment| segment.name() == Ok(Some("__TEXT")))?.address();
    let mut commands = file.macho_load_commands().ok()?;
    while let Ok(Some(command)) = commands.next() {
        if command.cmd() == LC_FUNCTION_STARTS
            && let Ok(LoadCommandVariant::LinkeditData(data)) = command.variant()
        {
            let starts = data.function_starts(file.endian(), file.data(), text).ok()?;
            return Some(starts.map_while(Result::ok).collect());
        }
    }
    None
}
