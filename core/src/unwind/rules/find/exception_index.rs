//! A module's exception index on ARM, `.ARM.exidx`: all functions by address, each with its unwind instructions.
//!
//! Instructions hold where a function calls another one. Of code that a signal interrupts, the instructions from the beginning of the
//! function say whether the return address is still in the link register. Code that a signal interrupts while it makes or leaves its
//! frame is taken for code in the middle of the function.
//!
//! A function that says that it cannot be unwound is outermost if it begins the program. Else the stack is cut there, or has come to
//! the code that begins a thread: see [`walk`](crate::unwind::rules::walk::walk).

use super::code::Code;
use super::restorer;
use crate::os::unwind_tables::UnwindTable;
use crate::unwind::ehabi::prologue::{self, arm, thumb};
use crate::unwind::ehabi::rule::Effect;
use crate::unwind::ehabi::table::{Entry, Tables};
use crate::unwind::rules::rule::Rule;

/// The rule of the code at `pc`; `None` when there is none.
pub(super) fn rule(table: &UnwindTable, pc: usize, interrupted: bool) -> Option<Rule> {
    let word = |at: u32| table.bytes(at as usize)?.first_chunk().copied().map(u32::from_ne_bytes);
    let tables = Tables { start: table.header as u32, index: table.rows()?, word };
    let found = tables.find(pc as u32);
    let rule = match found {
        Some((function, Entry::Instructions(instructions))) => {
            let effect = Effect::of(instructions);
            effect.and_then(
                |effect| if interrupted { of_interrupted(&effect, function, pc) } else { effect.rule() },
            )
        }
        Some((function, Entry::CannotUnwind)) => {
            let is_of_function = |at: usize| tables.find(at as u32).is_some_and(|found| found.0 == function);
            begins(table.entry(), pc).filter(|entry| is_of_function(*entry)).map(|_| Rule::Outermost)
        }
        None => None,
    };
    // glibc describes the code to which a signal's handler returns, but by instructions that no rule expresses.
    rule.or_else(|| if interrupted { None } else { restorer::rule(&mut Code::around(pc)?, pc) })
}

/// The rule of code that a signal interrupted. The lowest bit of `pc` says that it is Thumb code.
fn of_interrupted(effect: &Effect, function: u32, pc: usize) -> Option<Rule> {
    match effect.rule() {
        None => effect.leaf(),
        Some(_) if has_pushed(function, pc) == Some(false) => Some(Rule::Leaf(0)),
        rule => rule,
    }
}

/// Whether a function's code has pushed the return address in front of `pc`; `None` when that is unknown.
fn has_pushed(function: u32, pc: usize) -> Option<bool> {
    let mut code = Code::around(pc)?;
    let mut half = |at: u32| {
        let byte = at as usize;
        Some(u32::from(u16::from_le_bytes([code.byte(byte)?, code.byte(byte.checked_add(1)?)?])))
    };
    if pc & 1 == 1 {
        return prologue::has_pushed(function, pc as u32 & !1, |at| thumb(at, &mut half));
    }
    prologue::has_pushed(function, pc as u32, |at| Some(arm(at, half(at)? | half(at.checked_add(2)?)? << 16)))
}

/// The address of a module's first instruction, if the code at `pc` is that which begins the program: it sets up the stack and calls
/// a function written in C. Code behind it may be called.
fn begins(entry: usize, pc: usize) -> Option<usize> {
    const START: usize = 128;
    // The lowest bit says that it is Thumb code.
    let entry = entry & !1;
    (entry != 0 && (entry..entry.saturating_add(START)).contains(&pc)).then_some(entry)
}
