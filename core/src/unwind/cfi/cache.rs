//! The rules that a thread has used, by code address.

use super::find;
use super::rule::Rule;

const WAYS: usize = 4;
const SETS: usize = 1024;

/// A set-associative cache of 4096 rules (64 KiB). All-zero is empty.
pub(super) struct Cache {
    sets: [Set; SETS],
}

/// One cache line: most recently used first.
#[repr(C, align(64))]
struct Set {
    entries: [(usize, Rule); WAYS],
}

impl Cache {
    /// The rule for the code at `pc`.
    #[inline]
    pub(super) fn rule(&mut self, pc: usize) -> Rule {
        let set = &mut self.sets[(pc ^ pc >> 10) & (SETS - 1)];
        match set.entries.iter().find(|entry| entry.0 == pc) {
            Some(entry) => entry.1,
            None => set.fill(pc),
        }
    }
}

impl Set {
    #[cold]
    fn fill(&mut self, pc: usize) -> Rule {
        let rule = find::rule(pc);
        self.entries.rotate_right(1);
        self.entries[0] = (pc, rule);
        rule
    }
}
