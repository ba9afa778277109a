//! The stack that a thread walked last: the next one shares its outer frames with it, and so their nodes.

use crate::limits::WALK_FRAMES;
use crate::unwind::{Frames, Interned, StackId, Stacks};
use heapless::Vec;

/// All-zero is no stack.
pub(super) struct LastWalk {
    /// Each frame with its node, outermost first.
    nodes: Vec<(usize, StackId), WALK_FRAMES>,
    base: StackId,
}

impl LastWalk {
    /// Interns a stack, innermost frame first, on its base. Only frames that are not shared with the last stack are looked up.
    pub(super) fn intern(&mut self, base: StackId, stacks: Stacks<'_>, frames: &Frames) -> Interned {
        let LastWalk { nodes, base: last_base } = self;
        if *last_base != base {
            nodes.clear();
            *last_base = base;
        }
        let shared =
            nodes.iter().zip(frames.iter().rev()).take_while(|(known, frame)| known.0 == **frame).count();
        nodes.truncate(shared);
        let mut stack = nodes.last().map_or(base, |known| known.1);
        for &frame in frames.iter().rev().skip(shared) {
            match stacks.child(stack, frame) {
                Some(child) => stack = child,
                None => return Interned { stack, cut: true },
            }
            // Frames further inside than these are looked up each time.
            let _ = nodes.push((frame, stack));
        }
        Interned { stack, cut: false }
    }

    /// Forgets the stack.
    pub(super) fn clear(&mut self) {
        self.nodes.clear();
    }
}
