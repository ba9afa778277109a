//! The first two steps of every walk: from the hook's own frame to the two innermost callers, which identify a group of
//! stacks.

use crate::unwind::arch::plain;
use crate::unwind::rules::cache::Cache;
use crate::unwind::rules::find;
use crate::unwind::rules::packed::PackedRule;
use crate::unwind::rules::rule::{State, Step, Trace, Untraced};
use crate::unwind::{Memory, Registers};

/// Whether the hook's own frame is looked up by the address of the next instruction, as interrupted code is. On ARM such code may
/// not have saved its return address, but the hook has.
pub(super) const FIRST: bool = !cfg!(ehabi);

/// The rules of the hook's own frames: of its entry that allocates and its entry that reallocates. All-zero is none.
pub(super) struct EntryRules([(usize, PackedRule); 2]);

impl EntryRules {
    fn rule(&mut self, pc: usize) -> PackedRule {
        match self.0.iter().find(|entry| entry.0 == pc) {
            Some(entry) => entry.1,
            None => {
                let Some(rule) = find::lasting_rule(pc, FIRST) else { return PackedRule::UNKNOWN };
                self.0 = [(pc, rule), self.0[0]];
                rule
            }
        }
    }
}

/// The first two callers, and the registers in the second one's frame.
pub(super) struct Callers {
    pub(super) first: usize,
    pub(super) second: State,
}

/// A shortcut from one of the hook's entries, called by one first caller, to the second caller, when both rules depend on the stack
/// pointer alone. The first callers of nearly all events are few: the allocator's shims, or `malloc` and its like.
#[derive(Clone, Copy)]
struct Shortcut {
    /// The hook's entry; 0 for none.
    pc: usize,
    /// The return address into the first caller, and how many bytes above the stack pointer it is.
    first: usize,
    first_at: usize,
    /// How many bytes above the stack pointer the second caller's return address ends.
    end: usize,
}

impl Shortcut {
    const NONE: Shortcut = Shortcut { pc: 0, first: 0, first_at: 0, end: 0 };

    /// The second caller's return address, if the shortcut leads to it.
    ///
    /// # Safety
    /// `room` bytes above `from.sp`, which is aligned to words, must be readable.
    #[inline(always)]
    unsafe fn second(&self, from: Registers, room: usize) -> Option<usize> {
        if self.pc != from.pc || self.end > room {
            return None;
        }
        // SAFETY: both words are between the stack pointer, which is aligned to words, and the end that was checked: frames
        // lie one above another, at offsets of whole words.
        let word = |at: usize| unsafe { ((from.sp + at) as *const usize).read_volatile() };
        (word(self.first_at) == self.first).then(|| word(self.end - size_of::<usize>()))
    }
}

/// Shortcuts that are kept: Rust has three shims, C programs mix `malloc`, `calloc`, `realloc` and `operator new`.
const SHORTCUTS: usize = 4;

/// The rules and shortcuts of the hook's entries. All-zero is none.
pub(super) struct Entries {
    rules: EntryRules,
    shortcuts: [Shortcut; SHORTCUTS],
    /// How many shortcuts there were so far: a new one replaces the oldest.
    kept: usize,
}

impl Entries {
    /// The second caller, if a shortcut leads to it.
    ///
    /// # Safety
    /// `room` bytes above `from.sp`, which is aligned to words, must be readable.
    #[inline(always)]
    pub(super) unsafe fn known_second(&self, from: Registers, room: usize) -> Option<usize> {
        // SAFETY: the caller upholds it.
        let second = self.shortcuts.iter().find_map(|shortcut| unsafe { shortcut.second(from, room) });
        // Only the uncommon path asks whether there is a second caller at all.
        second.map(|second| plain(second).wrapping_sub(1))
    }

    /// The second caller.
    #[inline(always)]
    pub(super) fn second(
        &mut self,
        from: Registers,
        memory: &mut Memory<'_>,
        cache: &mut Cache,
    ) -> Option<usize> {
        // SAFETY: the memory says so.
        let known = unsafe { self.known_second(from, memory.room(from.sp)) };
        known.or_else(|| self.find_second(from, memory, cache))
    }

    /// The second caller by rules. Keeps the shortcut to it.
    #[cold]
    #[inline(never)]
    fn find_second(&mut self, from: Registers, memory: &mut Memory<'_>, cache: &mut Cache) -> Option<usize> {
        let callers = self.callers(from, memory, cache, &mut Untraced)?;
        if let Some((first_at, first_cfa)) = self.rules.rule(from.pc).rule().above_sp()
            && let Some((second_at, _)) = cache.rule(callers.first, false).rule().above_sp()
            && let Some(first) = memory.read(from.sp + first_at)
            && from.sp.is_multiple_of(size_of::<usize>())
            && first_at < first_cfa
        {
            let end = first_cfa + second_at + size_of::<usize>();
            self.shortcuts[self.kept % SHORTCUTS] = Shortcut { pc: from.pc, first, first_at, end };
            self.kept = self.kept.wrapping_add(1);
        }
        Some(callers.second.pc)
    }

    /// The first two callers by rules.
    #[inline]
    pub(super) fn callers(
        &mut self,
        from: Registers,
        memory: &mut Memory<'_>,
        cache: &mut Cache,
        trace: &mut impl Trace,
    ) -> Option<Callers> {
        let rule = self.rules.rule(from.pc).rule();
        let Step::Call(mut first) = rule.step(from.into(), memory, trace) else { return None };
        first.pc = plain(first.pc).wrapping_sub(1);
        let rule = cache.rule(first.pc, false).rule();
        let Step::Call(mut second) = rule.step(first, memory, trace) else { return None };
        let inwards = first.sp <= from.sp || second.sp <= first.sp;
        let is_caller = !inwards && first.pc != usize::MAX && second.pc != 0;
        second.pc = plain(second.pc).wrapping_sub(1);
        is_caller.then_some(Callers { first: first.pc, second })
    }

    /// Forgets all: the hook itself may be in a library.
    pub(super) fn clear(&mut self) {
        self.rules.0 = [(0, PackedRule::UNKNOWN); 2];
        self.shortcuts = [Shortcut::NONE; SHORTCUTS];
    }
}
