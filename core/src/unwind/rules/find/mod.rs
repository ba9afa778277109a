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
//! - `exception_index`: the same on ARM, where no function has one;
//! - [`eh_frame`]: the rule by the [description] of a function;
//! - [`row`]: what the description says of one place in the function;
//! - `linkage_table`, `restorer`: code that linkers and C libraries write without a description;
//! - `machine_code`: any other code without a description.
//!
//! A look-up is told how the code was left. Where it made a call, the address is that of the call's last byte, and lies in the
//! function that called. Where a signal interrupted it, the address is that of the next instruction.

#[cfg(all(cfi, not(compact)))]
mod code;
#[cfg(any(compact, all(test, macos_tested)))]
mod compact;
#[cfg(not(ehabi))]
mod description;
#[cfg(not(ehabi))]
mod eh_frame;
#[cfg(not(any(compact, ehabi)))]
mod eh_frame_hdr;
#[cfg(ehabi)]
mod exception_index;
#[cfg(all(cfi, target_arch = "x86_64", not(compact)))]
mod linkage_table;
#[cfg(cfi_bare)]
mod linked_tables;
#[cfg(all(cfi, any(target_arch = "x86_64", target_arch = "aarch64"), not(compact)))]
mod machine_code;
#[cfg(not(ehabi))]
mod reader;
#[cfg(all(cfi, not(compact)))]
mod restorer;
#[cfg(not(ehabi))]
mod row;

use super::packed::PackedRule;
#[cfg(all(cfi, not(ehabi)))]
use super::rule::Rule;
#[cfg(cfi)]
use crate::os::unwind_tables as tables;
#[cfg(all(cfi, not(compact)))]
use code::Code;
#[cfg(cfi_bare)]
use linked_tables as tables;

/// The rule by a table that a fuzzer has made.
#[cfg(all(fuzzing, cfi))]
pub(in crate::unwind) fn rule_in(
    table: core::ops::Range<*const u8>,
    pc: usize,
    interrupted: bool,
) -> PackedRule {
    in_module(&tables::UnwindTable::in_range(table), pc, interrupted).unwrap_or(PackedRule::UNKNOWN)
}

/// The rule of the code at `pc`.
#[cold]
#[inline(never)]
pub(in crate::unwind) fn rule(pc: usize, interrupted: bool) -> PackedRule {
    lasting_rule(pc, interrupted).unwrap_or(PackedRule::UNKNOWN)
}

/// The same. `None` when the code is in no module that is known yet: a program that is linked statically allocates before
/// its own module is known.
#[cold]
#[inline(never)]
pub(in crate::unwind) fn lasting_rule(pc: usize, interrupted: bool) -> Option<PackedRule> {
    #[cfg(all(cfi, not(compact)))]
    let Some(table) = tables::find(pc) else { return without_table(pc, interrupted) };
    #[cfg(any(cfi_bare, compact))]
    let table = tables::find(pc)?;
    #[cfg(cfi)]
    crate::session::modules_seen::see(table.header);
    Some(in_module(&table, pc, interrupted).unwrap_or(PackedRule::UNKNOWN))
}

/// The same for code of a module without a table, such as musl's.
#[cfg(all(cfi, not(compact)))]
fn without_table(pc: usize, interrupted: bool) -> Option<PackedRule> {
    let mut code = Code::around(pc)?;
    Some(by_code(&mut code, pc, interrupted).unwrap_or(PackedRule::UNKNOWN))
}

/// The rule of code that no table covers, by the code itself.
#[cfg(all(cfi, not(compact)))]
fn by_code(code: &mut Code, pc: usize, interrupted: bool) -> Option<PackedRule> {
    let rule = if interrupted { None } else { restorer::rule(code, pc) };
    #[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
    let rule = rule.or_else(|| machine_code::rule::<machine_code::Host>(code, pc, interrupted));
    // Nobody returns to an entry of that table.
    #[cfg(target_arch = "x86_64")]
    let rule = rule.or_else(|| if interrupted { linkage_table::rule(code, pc) } else { None });
    rule.map(PackedRule::new)
}

#[cfg(compact)]
#[inline(never)]
fn in_module(table: &tables::UnwindTable, pc: usize, _: bool) -> Option<PackedRule> {
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

#[cfg(ehabi)]
#[inline(never)]
fn in_module(table: &tables::UnwindTable, pc: usize, interrupted: bool) -> Option<PackedRule> {
    exception_index::rule(table, pc, interrupted).map(PackedRule::new)
}

// Not inlined: it and the search for the table take kilobytes of the stack each.
#[cfg(not(any(compact, ehabi)))]
#[inline(never)]
fn in_module(table: &tables::UnwindTable, pc: usize, interrupted: bool) -> Option<PackedRule> {
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
        None => undescribed(pc, interrupted, table, |entry| look_up(entry) == found),
    }
}

/// The rule of code that no description covers. Nobody calls the entry point of a module; the dynamic linker and some C
/// libraries do not describe theirs. `is_same_gap` says whether the last described function before an address is also the
/// last one before `pc`.
#[cfg(all(feature = "std", not(any(compact, ehabi))))]
fn undescribed(
    pc: usize,
    interrupted: bool,
    table: &tables::UnwindTable,
    is_same_gap: impl Fn(usize) -> bool,
) -> Option<PackedRule> {
    /// Bytes of that code: it sets up the stack and calls a function written in C. Code behind it may be called.
    const START: usize = 256;
    let entry = table.entry();
    let mut code = Code::around(pc)?;
    if entry != 0 && (entry..entry.saturating_add(START)).contains(&pc) && is_same_gap(entry) {
        #[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
        let is_start = machine_code::leads_to::<machine_code::Host>(&mut code, entry, pc);
        #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
        let is_start = true;
        if is_start {
            return Some(PackedRule::new(Rule::Outermost));
        }
    }
    by_code(&mut code, pc, interrupted)
}

#[cfg(not(feature = "std"))]
fn undescribed(_: usize, _: bool, _: &tables::UnwindTable, _: impl Fn(usize) -> bool) -> Option<PackedRule> {
    None
}
