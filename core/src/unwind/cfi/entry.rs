//! The hook's own frames, with which every walk begins.

use crate::unwind::rules::find;
use crate::unwind::rules::packed::PackedRule;
use crate::unwind::{Memory, Registers};

/// The rules of the hook's own frames.
pub(super) struct Own([(usize, PackedRule); 2]);

impl Own {
    pub(super) fn rule(&mut self, pc: usize) -> PackedRule {
        match self.0.iter().find(|own| own.0 == pc) {
            Some(own) => own.1,
            None => {
                let Some(rule) = find::lasting_rule(pc) else { return PackedRule::UNKNOWN };
                self.0 = [(pc, rule), self.0[0]];
                rule
            }
        }
    }

    /// Forgets both: the hook itself may be a library's.
    pub(super) fn clear(&mut self) {
        self.0 = [(0, PackedRule::UNKNOWN); 2];
    }
}

/// The way from one of the hook's entries to the second caller, when both steps depend on the stack pointer alone: the
/// allocator's shim is called by nearly everybody and calls one entry.
#[derive(Clone, Copy)]
pub(super) struct Way {
    /// The hook's entry; 0 for none.
    pub(super) pc: usize,
    /// The return address into the first caller, and how many bytes above the stack pointer it stands.
    pub(super) first: usize,
    pub(super) first_at: usize,
    pub(super) second_at: usize,
}

impl Way {
    /// No way.
    pub(super) const NONE: Way = Way { pc: 0, first: 0, first_at: 0, second_at: 0 };

    /// The second caller, if this is the way to it.
    #[inline(always)]
    pub(super) fn second(&self, from: Registers, memory: &Memory<'_>) -> Option<usize> {
        if self.pc != from.pc || !memory.contains(from.sp, from.sp + self.second_at + size_of::<usize>()) {
            return None;
        }
        // SAFETY: both words lie between the stack pointer, which is aligned to words, and the end that was checked: frames
        // stand one above another, at offsets of whole words.
        let word = |at: usize| unsafe { ((from.sp + at) as *const usize).read_volatile() };
        (word(self.first_at) == self.first).then(|| word(self.second_at))
    }
}
