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
pub(in crate::unwind) fn rule(pc: usize, interrupted: bool) -> PackedRule {
    lasting_rule(pc, interrupted).unwrap_or(PackedRule::UNKNOWN)
}

/// The same. `None` when the code is in no module: it was made at run time, and other code may take its place.
#[cold]
#[inline(never)]
pub(in crate::unwind) fn lasting_rule(pc: usize, _: bool) -> Option<PackedRule> {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::unwind::Memory;
    use crate::unwind::rules::rule::{State, Step, Untraced};
    use core::ffi::c_void;

    const WORD: usize = 8;
    /// The places of registers in the system's record of them, in words.
    const RSP: usize = 0x98 / WORD;
    const RBP: usize = 0xa0 / WORD;
    const RIP: usize = 0xf8 / WORD;

    #[repr(C, align(16))]
    struct Context([usize; 154]);

    unsafe extern "system" {
        fn RtlVirtualUnwind(
            kind: u32,
            module: usize,
            pc: usize,
            function: *const Function,
            context: *mut Context,
            data: *mut *mut c_void,
            frame: *mut usize,
            pointers: *mut c_void,
        ) -> *mut c_void;
    }

    /// A stack of words that say their own place, from an address on that is aligned.
    struct Stack(std::vec::Vec<[usize; 2]>);

    impl Stack {
        fn new(words: usize) -> Stack {
            Stack((0..words / 2).map(|pair| [2 * pair + 1, 2 * pair + 2]).collect())
        }

        fn start(&self) -> usize {
            self.0.as_ptr().addr()
        }
    }

    /// The caller by the system's own unwinder: program counter, stack pointer and frame pointer.
    fn theirs(table: &UnwindTable, function: &Function, from: State) -> (usize, usize, usize) {
        let mut context = Context([0; 154]);
        [context.0[RSP], context.0[RBP], context.0[RIP]] = [from.sp, from.fp, from.pc];
        let (mut data, mut frame) = (core::ptr::null_mut(), 0);
        // SAFETY: the function is the module's, all records are valid, and the stack is as large as any frame.
        unsafe {
            let (data, frame) = (&raw mut data, &raw mut frame);
            let context = &raw mut context;
            RtlVirtualUnwind(0, table.module, from.pc, function, context, data, frame, core::ptr::null_mut());
        }
        (context.0[RIP], context.0[RSP], context.0[RBP])
    }

    /// Compares all functions of the module with the code at `pc`. Returns how many have been compared, and how many have no
    /// rule.
    fn compare(pc: usize) -> [usize; 2] {
        const WORDS: usize = 1 << 18;
        let table = unwind_tables::find(pc).expect("the code has a table");
        let stack = Stack::new(WORDS);
        let prove = |_| Some((stack.start(), stack.start() + WORDS * WORD));
        let mut counts = [0; 2];
        for function in table.functions {
            let prologue = u32::from(table.bytes(function.codes as usize).expect("codes")[1]);
            if function.begin + prologue >= function.end {
                continue;
            }
            let pc = table.module + (function.begin + prologue) as usize;
            let middle = stack.start() + WORDS / 2 * WORD;
            let from = State { pc, sp: middle, fp: middle + 512 * WORD };
            let mut memory = Memory::at(middle, &prove).expect("the whole stack");
            match rule(pc, true).rule().step(from, &mut memory, &mut Untraced) {
                Step::Call(mine) => {
                    counts[0] += 1;
                    let theirs = theirs(&table, function, from);
                    assert_eq!(
                        (mine.pc, mine.sp, mine.fp),
                        theirs,
                        "{:x} of {function:x?}",
                        pc - table.module
                    );
                }
                _ => counts[1] += 1,
            }
        }
        counts
    }

    #[test]
    fn every_function_leads_to_the_caller_that_the_system_finds() {
        let own = compare(compare as *const () as usize);
        let systems = compare(RtlVirtualUnwind as *const () as usize);
        assert!(own[0] > 1000 && systems[0] > 100, "{own:?} {systems:?}");
        assert!(own[1] * 100 < own[0] && systems[1] * 20 < systems[0], "{own:?} {systems:?}");
    }

    /// A table with one function of 16 bytes at offset 16, whose description is these bytes.
    fn rule_by(description: &[u8]) -> Option<Rule> {
        let mut module = std::vec![0u8; 64];
        module.extend(description);
        // Behind the description, so that every code can be read.
        module.extend([0; 64]);
        let module: &'static [u8] = module.leak();
        let functions = std::vec![Function { begin: 16, end: 32, codes: 64 }].leak();
        let table = UnwindTable::of_parts(module, functions);
        by_table(&table, module.as_ptr().addr() + 20).map(PackedRule::rule)
    }

    #[test]
    fn codes_become_rules() {
        let frame = |cfa, fp| Some(Rule::frame(cfa, -1, fp));
        let same = CallerFp::Same;
        // Nothing; room of 40 bytes; room of 0x1000 bytes; room of 0x12340 bytes.
        assert_eq!(rule_by(&[1, 0, 0, 0]), frame(Cfa::Sp(1), same));
        assert_eq!(rule_by(&[1, 4, 1, 0, 4, 0x42]), frame(Cfa::Sp(6), same));
        assert_eq!(rule_by(&[1, 4, 2, 0, 4, 0x01, 0, 2]), frame(Cfa::Sp(0x201), same));
        assert_eq!(rule_by(&[1, 4, 3, 0, 4, 0x11, 0x40, 0x23, 1, 0]), frame(Cfa::Sp(0x2469), same));
        // push rbp, push rbx, sub rsp, 32: the frame pointer is an ordinary register.
        let pushed = [1, 6, 3, 0, 6, 0x32, 2, 0x30, 1, 0x50];
        assert_eq!(rule_by(&pushed), frame(Cfa::Sp(7), CallerFp::Saved(-2)));
        // push rbp, sub rsp, 48, lea rbp, [rsp + 32].
        let with_frame = [1, 10, 3, 0x25, 10, 0x03, 5, 0x52, 1, 0x50];
        assert_eq!(rule_by(&with_frame), frame(Cfa::Fp(4), CallerFp::Saved(-2)));
        // sub rsp, 56, mov [rsp + 48], rbp, and a register of vectors.
        let stored = [1, 12, 5, 0, 12, 0x68, 2, 0, 9, 0x54, 6, 0, 4, 0x62];
        assert_eq!(rule_by(&stored), frame(Cfa::Sp(8), CallerFp::Saved(-2)));
        // A frame of another register, an interrupted frame, and a code that does not exist.
        assert_eq!(rule_by(&[1, 4, 1, 3, 4, 0x03]), None);
        assert_eq!(rule_by(&[1, 0, 1, 0, 0, 0x0a]), Some(Rule::Signal));
        assert_eq!(rule_by(&[1, 0, 1, 0, 0, 0x0f]), None);
    }

    #[test]
    fn descriptions_may_be_chained_but_not_for_ever() {
        // sub rsp, 8, behind it the function whose description is at 84: push rbx.
        let mut chained = std::vec![0x21, 4, 1, 0, 4, 0x02, 0, 0];
        chained.extend([16u32, 32, 84].map(u32::to_le_bytes).concat());
        chained.extend([1, 1, 1, 0, 1, 0x30]);
        assert_eq!(rule_by(&chained), Some(Rule::frame(Cfa::Sp(3), -1, CallerFp::Same)));
        let mut circular = std::vec![0x21, 0, 0, 0];
        circular.extend([16u32, 32, 64].map(u32::to_le_bytes).concat());
        assert_eq!(rule_by(&circular), None);
        // The end of the module cuts the description off.
        assert_eq!(rule_by(&[1, 4, 255, 0]), None);
    }
}
