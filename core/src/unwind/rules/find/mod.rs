//! Finds the rule of a code address in the unwind table of its module.
//!
//! **Problem.** The hook must not allocate, lock or wait, and a program may have a hundred thousand functions.
//!
//! **Idea.** The module's index is sorted: one look-up is a binary search and a few instructions of call frame information,
//! however large the program is.
//!
//! - [`tables`]: where the unwind table of a module is;
//! - `eh_frame_hdr`: a module's index of functions;
//! - `compact`: the same on macOS, where most functions need no description;
//! - [`eh_frame`]: the rule by the [description] of a function;
//! - [`row`]: what the description says of one place in the function;
//! - `linkage_table`, `restorer`: code that linkers and C libraries write without a description.

#[cfg(any(compact, all(test, macos_tested)))]
mod compact;
mod description;
mod eh_frame;
#[cfg(not(compact))]
mod eh_frame_hdr;
#[cfg(all(cfi, target_arch = "x86_64", not(compact)))]
mod linkage_table;
#[cfg(cfi_bare)]
mod linked_tables;
mod reader;
#[cfg(all(cfi, not(compact)))]
mod restorer;
mod row;

use super::packed::PackedRule;
#[cfg(feature = "std")]
use super::rule::Rule;
#[cfg(cfi)]
use crate::os::unwind_tables as tables;
#[cfg(cfi_bare)]
use linked_tables as tables;

/// The rule by a table that a fuzzer has made.
#[cfg(all(fuzzing, cfi))]
pub(in crate::unwind) fn rule_in(table: core::ops::Range<*const u8>, pc: usize) -> PackedRule {
    in_module(&tables::UnwindTable::in_range(table), pc).unwrap_or(PackedRule::UNKNOWN)
}

/// The rule of the code at `pc`.
#[cold]
#[inline(never)]
pub(in crate::unwind) fn rule(pc: usize) -> PackedRule {
    lasting_rule(pc).unwrap_or(PackedRule::UNKNOWN)
}

/// The same. `None` when the code is in no module that is known yet: a program that is linked statically allocates before
/// its own module is known.
#[cold]
#[inline(never)]
pub(in crate::unwind) fn lasting_rule(pc: usize) -> Option<PackedRule> {
    #[cfg(all(cfi, not(compact)))]
    let Some(table) = tables::find(pc) else { return without_table(pc) };
    #[cfg(any(cfi_bare, compact))]
    let table = tables::find(pc)?;
    #[cfg(cfi)]
    crate::session::modules_seen::see(table.header);
    Some(in_module(&table, pc).unwrap_or(PackedRule::UNKNOWN))
}

/// The same for code of a module without a table, such as musl's.
#[cfg(all(cfi, not(compact)))]
fn without_table(pc: usize) -> Option<PackedRule> {
    tables::range(pc)?;
    Some(restorer::rule(pc).map_or(PackedRule::UNKNOWN, PackedRule::new))
}

#[cfg(compact)]
#[inline(never)]
fn in_module(table: &tables::UnwindTable, pc: usize) -> Option<PackedRule> {
    let rule = compact::rule(table.text(), table.index(), table.frames(), pc);
    // On x86_64 the start of handlers has a description, which says what it is.
    let may_start_handlers = cfg!(target_arch = "aarch64") && table.starts_handlers();
    match rule {
        Some(chained) if may_start_handlers && chained == PackedRule::new(Rule::CHAINED) => {
            Some(PackedRule::new(Rule::MaybeSignal))
        }
        other => other,
    }
}

// Not inlined: it and the search for the table take kilobytes of the stack each.
#[cfg(not(compact))]
#[inline(never)]
fn in_module(table: &tables::UnwindTable, pc: usize) -> Option<PackedRule> {
    let header = table.bytes(table.header)?;
    let look_up =
        |pc| eh_frame_hdr::look_up(header, pc).or_else(|| eh_frame_hdr::look_up_unusual(header, pc));
    let found = look_up(pc);
    let described = found.and_then(|found| {
        let offset = found.description.checked_sub(found.frames)?;
        eh_frame::by_description(table.bytes(found.frames)?, offset, pc)
    });
    match described {
        Some(rule) => rule,
        None => undescribed(pc, table, |entry| look_up(entry) == found),
    }
}

/// The rule of code that no description covers. Nobody calls the entry point of a module; the dynamic linker and some C
/// libraries do not describe theirs. `is_same_gap` says whether the last described function before an address is also the
/// last one before `pc`.
#[cfg(all(feature = "std", not(compact)))]
fn undescribed(
    pc: usize,
    table: &tables::UnwindTable,
    is_same_gap: impl Fn(usize) -> bool,
) -> Option<PackedRule> {
    /// Bytes of that code: it sets up the stack and calls a function written in C. Code behind it may be called.
    const START: usize = 256;
    let entry = table.entry();
    if entry != 0 && (entry..entry.saturating_add(START)).contains(&pc) && is_same_gap(entry) {
        return Some(PackedRule::new(Rule::Outermost));
    }
    let rule = restorer::rule(pc);
    #[cfg(target_arch = "x86_64")]
    let rule = rule.or_else(|| linkage_table::rule(pc));
    rule.map(PackedRule::new)
}

#[cfg(not(feature = "std"))]
fn undescribed(_: usize, _: &tables::UnwindTable, _: impl Fn(usize) -> bool) -> Option<PackedRule> {
    None
}
