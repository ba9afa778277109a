//! The unwinder whose captures are compared, and one with a planted bug.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use memtrack::Cfi;
use memtrack::unwind::{Captured, End, Frames, Interned, LastCell, Memory, Registers, Stacks, Unwind};

use crate::{CUT, DIFFERENT, DIFFERENT_FROM_RUNTIME, EVENTS, RECALLED, TOO_DEEP};

/// Captures by `U` as the hook does, and compares.
pub(crate) struct Compared<U>(pub(crate) U);

/// The memory of `U`, and that of the comparison. All-zero is the start.
pub(crate) struct Remembered<M> {
    own: M,
    booked: [Booked; PLACES],
}

/// The last cell that the hook has set beside a stack. That stack may have been forgotten since and remembered anew.
#[derive(Clone, Copy)]
struct Booked {
    /// The hash of its frames.
    stack: u64,
    last_cell: LastCell,
}

impl Booked {
    /// Whether the last cell beside this stack is the known one. From now on it is the known one.
    fn agrees(&mut self, stack: u64, last_cell: LastCell) -> bool {
        let agrees = self.stack != stack || self.last_cell == last_cell;
        *self = Booked { stack, last_cell };
        agrees
    }
}

fn hash(frames: &[usize]) -> u64 {
    let mixed = |mixed: u64, frame: &usize| (mixed ^ *frame as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    frames.iter().fold(1, |hash, frame| mixed(hash, frame).rotate_left(23))
}

// SAFETY: the inner unwinder keeps the promises; the comparison uses the memo and the stack, and the C runtime's
// unwinder neither allocates nor waits where it can ask the dynamic linker for a module.
unsafe impl<U: Unwind> Unwind for Compared<U> {
    const NAME: &'static str = "compared";
    type Memo = Remembered<U::Memo>;

    fn walk(
        &self,
        from: Registers,
        memory: Memory<'_>,
        memo: Option<&mut Self::Memo>,
        frames: &mut Frames,
    ) -> End {
        self.0.walk(from, memory, memo.map(|memo| &mut memo.own), frames)
    }

    fn capture<'m>(
        &self,
        from: Registers,
        memory: Memory<'_>,
        memo: Option<&'m mut Self::Memo>,
        stacks: Stacks<'_>,
        frames: &mut Frames,
    ) -> Captured<'m> {
        let Remembered { own: memo, booked } = memo.expect("the host has memory for every thread");
        U::renew(memo);
        // SAFETY: the memory is proven from the stack pointer to its end.
        let recalled = unsafe { U::recall(from, memory.end() - from.sp, memo, stacks) };
        let captured = self.0.capture(from, memory, Some(memo), stacks, frames);
        // The true stack, by a new look-up of the rule of each frame.
        frames.clear();
        let end = Cfi.walk(from, memory, None, frames);
        let same = captured.end == end && is_stack(captured.interned, end, stacks, frames);
        // The hook uses the last cells without a capture: they must belong to this stack, and to no other.
        let stack = hash(frames);
        let booked = &mut booked[stack as usize % PLACES];
        let last_cells = [captured.last_cell.as_deref().copied().unwrap_or(LastCell::NONE), recalled];
        let same = same
            & last_cells
                .into_iter()
                .filter(|last_cell| *last_cell != LastCell::NONE)
                .all(|last_cell| booked.agrees(stack, last_cell));
        count(&EVENTS, true);
        count(&RECALLED, recalled != LastCell::NONE);
        count(&TOO_DEEP, end == End::TooDeep);
        count(&CUT, captured.interned.cut);
        count(&DIFFERENT, !same);
        count(&DIFFERENT_FROM_RUNTIME, !runtime::agrees(frames, end));
        captured
    }
}

fn count(counter: &AtomicU64, is_one: bool) {
    counter.fetch_add(is_one.into(), Relaxed);
}

/// Whether an interned stack consists of these frames, or of the outer ones if the table was full.
fn is_stack(interned: Interned, end: End, stacks: Stacks<'_>, frames: &[usize]) -> bool {
    let is = |frames: &[usize]| {
        let outwards = frames.iter().try_fold(interned.stack, |stack, &frame| {
            stacks.node(stack).filter(|(address, _)| *address == frame).map(|(_, caller)| caller)
        });
        outwards == Some(end.base())
    };
    if interned.cut { (1..=frames.len()).any(|missing| is(&frames[missing..])) } else { is(frames) }
}

/// The C runtime's unwinder.
mod runtime {
    use super::End;
    use std::ffi::{c_int, c_void};

    const MAX: usize = 4096;
    /// The bits of an address that the processor uses.
    const ADDRESS: usize = (1 << 48) - 1;

    struct Found {
        addresses: [usize; MAX],
        count: usize,
    }

    extern "C" fn each(context: *mut c_void, found: *mut c_void) -> c_int {
        unsafe extern "C" {
            fn _Unwind_GetIPInfo(context: *mut c_void, before: *mut c_int) -> usize;
        }
        let mut before = 0;
        // SAFETY: the context is the unwinder's for the call; `found` is the pointer passed below.
        unsafe {
            let address = _Unwind_GetIPInfo(context, &raw mut before);
            let found = &mut *found.cast::<Found>();
            // A return address, except in code that a signal interrupted.
            found.addresses[found.count] = if before == 0 { address.wrapping_sub(1) } else { address };
            found.count += 1;
        }
        c_int::from(false)
    }

    /// Whether the runtime finds these frames outside the hook, up to the outermost one. The runtime does not
    /// distinguish a library from an unloaded one at the same address.
    pub(super) fn agrees(frames: &[usize], end: End) -> bool {
        unsafe extern "C" {
            fn _Unwind_Backtrace(
                each: extern "C" fn(*mut c_void, *mut c_void) -> c_int,
                into: *mut c_void,
            ) -> c_int;
        }
        let mut found = Found { addresses: [0; MAX], count: 0 };
        // SAFETY: `each` uses the pointer only during the call.
        unsafe { _Unwind_Backtrace(each, (&raw mut found).cast()) };
        let mut theirs = &found.addresses[..found.count];
        // The outermost function has no caller.
        while let [rest @ .., 0 | usize::MAX] = theirs {
            theirs = rest;
        }
        let are_frames = |theirs: &[usize]| {
            theirs.len() == frames.len() && theirs.iter().zip(frames).all(|(a, b)| *a == b & ADDRESS)
        };
        if end == End::Complete {
            theirs.len().checked_sub(frames.len()).is_some_and(|inner| are_frames(&theirs[inner..]))
        } else {
            theirs.windows(frames.len()).any(are_frames)
        }
    }
}

/// The planted bug: it takes a stack for an earlier one that begins with the same frames.
pub(crate) struct ByKey;

/// All-zero is empty.
pub(crate) struct Known([Entry; PLACES]);

const PLACES: usize = 1 << 12;

struct Entry {
    key: [usize; 4],
    interned: Interned,
    last_cell: LastCell,
}

// SAFETY: it only adds bounded work to that of `Cfi`.
unsafe impl Unwind for ByKey {
    const NAME: &'static str = "by key";
    type Memo = Known;

    fn walk(&self, from: Registers, memory: Memory<'_>, _: Option<&mut Known>, frames: &mut Frames) -> End {
        Cfi.walk(from, memory, None, frames)
    }

    fn capture<'m>(
        &self,
        from: Registers,
        memory: Memory<'_>,
        memo: Option<&'m mut Known>,
        stacks: Stacks<'_>,
        frames: &mut Frames,
    ) -> Captured<'m> {
        let end = Cfi.walk(from, memory, None, frames);
        let interned = stacks.intern(end.base(), frames);
        let (Some(memo), [first, second, ..], End::Complete) = (memo, &frames[..], end) else {
            return Captured { interned, end, last_cell: None };
        };
        let key = [from.pc, from.sp, *first, *second];
        let mixed =
            key.iter().fold(0, |mixed: usize, word| (mixed ^ word).wrapping_mul(0x9E37_79B9_7F4A_7C15));
        let entry = &mut memo.0[mixed >> 40 & (PLACES - 1)];
        if entry.key != key {
            *entry = Entry { key, interned, last_cell: LastCell::default() };
        }
        Captured { interned: entry.interned, end, last_cell: Some(&mut entry.last_cell) }
    }
}
