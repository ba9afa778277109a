//! Functions in `.pdata`, and their unwind codes in `.xdata` (Microsoft, "x64 exception handling"): the codes say how a
//! function's prologue has changed the stack pointer, and undoing them becomes a rule.
//!
//! A return address is behind its function's prologue, so all codes count. An allocation never happens in a prologue or an
//! epilogue.
//!
//! - **Codes**: in the reverse order of the prologue's instructions.
//! - **Undone**: the bytes by which the codes so far move the stack pointer back.
//! - **Base**: the stack pointer after the prologue; in a function with a frame pointer, the stack pointer from which that was
//!   set. Offsets of saved registers count from it.

use super::packed::PackedRule;
use super::rule::{CallerFp, Cfa, Rule};
use crate::os::unwind_tables::{self, Function, UnwindTable};
use crate::session::modules_seen;

/// The number of the frame pointer's register.
const RBP: u8 = 5;
/// The most descriptions that one function is made of.
const MOST_PARTS: usize = 32;
/// A function that begins with the codes of another description.
const CHAINED: u8 = 4;

/// The rule of the code at `pc`.
#[cold]
#[inline(never)]
pub(in crate::unwind) fn rule(pc: usize) -> PackedRule {
    lasting_rule(pc).unwrap_or(PackedRule::UNKNOWN)
}

/// The same. `None` when the code is in no module: it was made at run time, and other code may take its place.
#[cold]
#[inline(never)]
pub(in crate::unwind) fn lasting_rule(pc: usize) -> Option<PackedRule> {
    let table = unwind_tables::find(pc)?;
    modules_seen::see(table.module);
    Some(by_table(&table, pc).unwrap_or(PackedRule::UNKNOWN))
}

/// The rule by a table; `None` when the table is damaged.
fn by_table(table: &UnwindTable, pc: usize) -> Option<PackedRule> {
    let place = u32::try_from(pc.checked_sub(table.module)?).ok()?;
    let behind = table.functions.partition_point(|function| function.begin <= place);
    let function = behind.checked_sub(1).and_then(|last| table.functions.get(last));
    let rule = match function.filter(|function| place < function.end) {
        Some(function) => of_function(table, *function)?,
        // A function without a description changes neither the stack pointer nor a register that is the caller's.
        None => Rule::frame(Cfa::Sp(1), -1, CallerFp::Same),
    };
    Some(PackedRule::new(rule))
}

/// The state of undoing a prologue. Offsets and sizes are bytes.
#[derive(Default)]
struct Prologue {
    undone: isize,
    /// What was undone when the frame pointer was set, and by how much it is above the stack pointer of that moment.
    frame: Option<(isize, isize)>,
    /// The place of the caller's frame pointer.
    saved: Option<Saved>,
}

#[derive(Clone, Copy)]
enum Saved {
    /// Above the stack pointer after the prologue.
    Pushed(isize),
    /// Above the base.
    Stored(isize),
}

fn of_function(table: &UnwindTable, mut function: Function) -> Option<Rule> {
    let mut prologue = Prologue::default();
    let mut has_frame = None;
    for _ in 0..MOST_PARTS {
        let [head, _, count, frame, codes @ ..] = table.bytes(function.codes as usize)? else { return None };
        let (codes, rest) = codes.split_at_checked(2 * usize::from(*count))?;
        has_frame.get_or_insert(*frame != 0);
        if !prologue.undo(head & 7, *frame, codes.as_chunks().0)? {
            return Some(Rule::Signal);
        }
        if head >> 3 & CHAINED == 0 {
            return prologue.rule(has_frame == Some(true));
        }
        // The codes take a multiple of four bytes.
        let next = if count % 2 == 1 { rest.get(2..)? } else { rest };
        let (words, _) = next.first_chunk::<12>()?.as_chunks::<4>();
        let [begin, end, codes] = *words else { return None };
        let [begin, end, codes] = [begin, end, codes].map(u32::from_le_bytes);
        function = Function { begin, end, codes };
    }
    None
}

impl Prologue {
    /// Undoes the codes of one description. False for code that the processor, or the system in its name, has interrupted:
    /// its registers are on the stack. `None` for codes that no rule can express.
    fn undo(&mut self, version: u8, frame: u8, codes: &[[u8; 2]]) -> Option<bool> {
        let short = |at: usize| Some(u16::from_le_bytes(*codes.get(at)?) as isize);
        let long = |at: usize| Some(short(at)? | short(at + 1)? << 16);
        let mut at = 0;
        while let Some([_, code]) = codes.get(at) {
            let (operation, operand) = (code & 15, code >> 4);
            at += match (operation, operand) {
                // A register was pushed.
                (0, register) => {
                    if register == RBP {
                        self.saved = Some(Saved::Pushed(self.undone));
                    }
                    self.undone += 8;
                    1
                }
                // Room was made.
                (1, 0) => {
                    self.undone += short(at + 1)? * 8;
                    2
                }
                (1, _) => {
                    self.undone += long(at + 1)?;
                    3
                }
                (2, words) => {
                    self.undone += isize::from(words) * 8 + 8;
                    1
                }
                // The frame pointer was set. Rules know one register alone.
                (3, _) => {
                    if frame & 15 != RBP {
                        return None;
                    }
                    self.frame = Some((self.undone, isize::from(frame >> 4) * 16));
                    1
                }
                // A register was stored.
                (4, register) => {
                    if register == RBP {
                        self.saved = Some(Saved::Stored(short(at + 1)? * 8));
                    }
                    2
                }
                (5, register) => {
                    if register == RBP {
                        self.saved = Some(Saved::Stored(long(at + 1)?));
                    }
                    3
                }
                // Version 2 describes epilogues.
                (6, _) if version == 2 => 1,
                // Registers of vectors.
                (6 | 8, _) => 2,
                (7 | 9, _) => 3,
                (10, _) => return Some(false),
                _ => return None,
            };
        }
        Some(true)
    }

    /// The rule that undoes the whole prologue.
    fn rule(&self, has_frame: bool) -> Option<Rule> {
        // The return address was pushed before the prologue.
        let total = self.undone + 8;
        let base = match self.frame {
            Some((undone, _)) if has_frame => undone,
            _ => 0,
        };
        let fp = match self.saved {
            None => CallerFp::Same,
            Some(Saved::Pushed(place)) => CallerFp::Saved(words(place - total)?),
            Some(Saved::Stored(place)) => CallerFp::Saved(words(base + place - total)?),
        };
        let cfa = match self.frame {
            None => Cfa::Sp(words(total)?),
            Some((undone, above)) => Cfa::Fp(words(total - undone - above)?),
        };
        Some(Rule::frame(cfa, -1, fp))
    }
}

/// Bytes as words; `None` when they are not whole words.
fn words(bytes: isize) -> Option<isize> {
    (bytes % 8 == 0).then_some(bytes / 8)
}
