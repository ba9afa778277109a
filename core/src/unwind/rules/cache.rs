//! The rules that a thread has used, by code address.

use super::find;
use super::packed::PackedRule;
use crate::limits::{RULE_SETS, RULE_WAYS};

/// The low bits in which the addresses of all calls agree.
const ALIGNED: u32 = if cfg!(any(target_arch = "x86_64", target_arch = "x86")) {
    0
} else if cfg!(target_arch = "aarch64") {
    2
} else {
    1
};

/// A set-associative cache of 4096 rules (64 KiB); without an operating system of 32 (512 bytes). All-zero is empty.
pub(in crate::unwind) struct Cache {
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
        let set = &mut self.sets[(pc >> ALIGNED ^ pc >> 10) & (RULE_SETS - 1)];
        match set.entries.iter().find(|entry| entry.0 == pc) {
            Some(entry) => entry.1,
            None => set.fill(pc, interrupted),
        }
    }

    /// Forgets all rules.
    #[cfg(feature = "std")]
    pub(in crate::unwind) fn clear(&mut self) {
        self.sets.fill_with(|| Set::EMPTY);
    }
}

impl Set {
    #[cfg(feature = "std")]
    const EMPTY: Set = Set { entries: [(0, PackedRule::UNKNOWN); RULE_WAYS] };

    #[cold]
    fn fill(&mut self, pc: usize, interrupted: bool) -> PackedRule {
        let Some(rule) = find::lasting_rule(pc, interrupted) else { return PackedRule::UNKNOWN };
        self.entries.rotate_right(1);
        self.entries[0] = (pc, rule);
        rule
    }
}
