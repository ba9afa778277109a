//! The rules that a thread has used, by code address.

use super::find;
use super::packed::PackedRule;
use crate::limits::{RULE_SETS, RULE_WAYS};
#[cfg(cfi)]
use crate::unwind::window::Window;

/// The low bits in which the addresses of all calls agree.
const ALIGNED: u32 = if cfg!(any(target_arch = "x86_64", target_arch = "x86")) {
    0
} else if cfg!(target_arch = "aarch64") {
    2
} else {
    1
};

/// A set-associative cache of up to 4096 rules (64 KiB); without an operating system of 32 (512 bytes). All-zero is empty.
pub(in crate::unwind) struct Cache {
    #[cfg(cfi)]
    window: Window<RULE_SETS>,
    sets: [Set; RULE_SETS],
}

/// One cache line. The most recently found rule is first.
#[repr(C, align(64))]
struct Set {
    entries: [(usize, PackedRule); RULE_WAYS],
}

impl Cache {
    /// The rule for the code at `pc`. How the code was left is no part of the key: where an instruction begins, which a signal may
    /// interrupt, no call ends.
    #[inline]
    pub(in crate::unwind) fn rule(&mut self, pc: usize, interrupted: bool) -> PackedRule {
        let set = &self.sets[self.place(pc)];
        match set.entries.iter().find(|entry| entry.0 == pc) {
            Some(entry) => entry.1,
            None => self.find(pc, interrupted),
        }
    }

    /// The place of an address's set.
    #[inline(always)]
    fn place(&self, pc: usize) -> usize {
        let hash = pc >> ALIGNED ^ pc >> 10;
        #[cfg(cfi)]
        return self.window.index(hash);
        #[cfg(not(cfi))]
        return hash & (RULE_SETS - 1);
    }

    /// Finds a rule, and keeps it.
    #[cold]
    fn find(&mut self, pc: usize, interrupted: bool) -> PackedRule {
        let Some(rule) = find::lasting_rule(pc, interrupted) else { return PackedRule::UNKNOWN };
        #[cfg(cfi)]
        while self.sets[self.place(pc)].is_full()
            && let Some(before) = self.window.widen()
        {
            self.spread(before);
        }
        self.sets[self.place(pc)].insert((pc, rule));
        rule
    }

    /// Puts the rules of the sets that were in use before into their sets.
    #[cfg(cfi)]
    fn spread(&mut self, before: usize) {
        for place in 0..before.min(RULE_SETS) {
            let set = core::mem::replace(&mut self.sets[place], Set::EMPTY);
            let rules = set.entries.into_iter().take_while(|entry| entry.0 != 0);
            rules.for_each(|entry| self.sets[self.place(entry.0)].append(entry));
        }
    }

    /// Forgets all rules.
    #[cfg(cfi)]
    pub(in crate::unwind) fn clear(&mut self) {
        self.sets.iter_mut().take(self.window.sets()).for_each(|set| *set = Set::EMPTY);
    }
}

impl Set {
    #[cfg(cfi)]
    const EMPTY: Set = Set { entries: [(0, PackedRule::UNKNOWN); RULE_WAYS] };

    #[cfg(cfi)]
    fn is_full(&self) -> bool {
        self.entries[RULE_WAYS - 1].0 != 0
    }

    /// Puts a rule behind the others.
    #[cfg(cfi)]
    fn append(&mut self, entry: (usize, PackedRule)) {
        if let Some(free) = self.entries.iter_mut().find(|entry| entry.0 == 0) {
            *free = entry;
        }
    }

    /// Puts a rule in front, in place of the oldest one.
    fn insert(&mut self, entry: (usize, PackedRule)) {
        self.entries.rotate_right(1);
        self.entries[0] = entry;
    }
}
