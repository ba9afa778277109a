//! Readers of debug information recurse with each function that is inlined into another one, and there is no way back from a
//! stack that is full. So debug information that nests deeper than any program's is refused before it is read.

use gimli::{Dwarf, Reader, UnitHeader};

/// How deep entries may stand in each other.
const MAX_DEPTH: isize = 4096;
/// A level takes a byte at least. What a thread that names addresses recurses with fits its stack that often.
const SHORT: usize = 64 << 10;

/// Whether no unit nests too deep.
pub(super) fn is_sane<R: Reader<Offset = usize>>(dwarf: &Dwarf<R>) -> bool {
    let mut units = dwarf.units();
    while let Ok(Some(unit)) = units.next() {
        if unit.length_including_self() > SHORT && !is_shallow(dwarf, &unit) {
            return false;
        }
    }
    true
}

/// As far as the unit can be read: nobody reads on behind damage.
fn is_shallow<R: Reader<Offset = usize>>(dwarf: &Dwarf<R>, unit: &UnitHeader<R>) -> bool {
    let Ok(abbreviations) = dwarf.abbreviations(unit) else { return true };
    let Ok(mut entries) = unit.entries_raw(&abbreviations, None) else { return true };
    while !entries.is_empty() {
        match entries.read_abbreviation() {
            Ok(Some(entry)) if entries.skip_attributes(entry.attributes()).is_ok() => {}
            Ok(None) => {}
            _ => return true,
        }
        if entries.next_depth() > MAX_DEPTH {
            return false;
        }
    }
    true
}
