//! Refuses debug information that nests too deep. Its readers recurse with each inlined function, and a stack
//! overflow ends the program.

use gimli::{Dwarf, Reader, UnitHeader};

/// The deepest nesting of entries. No program comes near it.
const MAX_DEPTH: isize = 4096;
/// A level takes at least one byte, so shorter units can't overflow the stack of a thread that names
/// addresses.
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

/// Readers stop at damage, so the rest of a damaged unit does no harm.
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
