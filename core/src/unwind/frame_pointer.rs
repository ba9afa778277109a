//! Follows the chain of frame pointers.
//!
//! Where the platform has memory for it, a thread recognises stacks that it has captured. It follows the chain and compares
//! each address with the nodes of a remembered stack, which costs a fraction of a look-up in the tables.

use super::arch::{CHAIN, interrupted, own_frame_pointer, plain};
#[cfg(any(compact, all(test, macos_tested)))]
use super::signal_frame::{self, HOST, Stored};
use super::{
    Captured, End, Frames, Generations, Interned, LastCell, Memory, Registers, StackId, Stacks, Unwind,
};

/// Follows the chain of frame pointers: x86_64 `rbp`, aarch64 `x29`, riscv `s0`, ARM `r11`, Thumb `r7`.
///
/// Exact for code compiled with `-C force-frame-pointers=yes` (C: `-fno-omit-frame-pointer`); frames of other code
/// are missed or end the walk. Each step is checked: the chain must go outwards, be aligned and stay on the stack.
#[derive(Debug, Default, Clone, Copy)]
pub struct FramePointer;

/// The stacks that a thread remembers. All-zero is none.
#[doc(hidden)]
#[repr(C)]
pub struct Memo {
    recent: [Recent; RECENT],
}

const RECENT: usize = 16;

/// A stack that was captured.
#[repr(C)]
struct Recent {
    /// [`StackId::ROOT`] when there is none.
    stack: StackId,
    last_cell: LastCell,
}

impl Memo {
    /// The current stack, when it is remembered; else, as an error, the entry where it belongs.
    #[inline(never)]
    fn recognise(
        &mut self,
        from: Registers,
        memory: Memory<'_>,
        stacks: Stacks<'_>,
    ) -> Result<&mut Recent, &mut Recent> {
        let recent = &mut self.recent[index(from, memory)];
        if is_unchanged(recent.stack, from, memory, stacks) { Ok(recent) } else { Err(recent) }
    }
}

// SAFETY: reads only through `Memory::read`; every step goes outwards, so the walk ends.
unsafe impl Unwind for FramePointer {
    const NAME: &'static str = "frame pointers";
    type Memo = Memo;

    #[inline]
    fn walk(&self, from: Registers, memory: Memory<'_>, _: Option<&mut Memo>, frames: &mut Frames) -> End {
        let mut chain = Chain::new(from, memory);
        let mut generations = Generations::default();
        loop {
            match chain.next() {
                Ok(address) => {
                    let Some(frame) = generations.address(address) else { return End::Stopped };
                    if frames.push(frame).is_err() {
                        return End::TooDeep;
                    }
                }
                Err(end) => return end,
            }
        }
    }

    #[inline(always)]
    unsafe fn recall(from: Registers, room: usize, memo: &mut Memo, stacks: Stacks<'_>) -> LastCell {
        // SAFETY: the caller says so.
        match memo.recognise(from, unsafe { Memory::above(from.sp, room) }, stacks) {
            Ok(recent) => recent.last_cell,
            Err(_) => LastCell::NONE,
        }
    }

    #[inline]
    fn capture<'m>(
        &self,
        from: Registers,
        memory: Memory<'_>,
        memo: Option<&'m mut Memo>,
        stacks: Stacks<'_>,
        frames: &mut Frames,
    ) -> Captured<'m> {
        let recent = match memo.map(|memo| memo.recognise(from, memory, stacks)) {
            Some(Ok(recent)) => {
                let interned = Interned { stack: recent.stack, cut: false };
                return Captured { interned, end: End::Complete, last_cell: Some(&mut recent.last_cell) };
            }
            Some(Err(other)) => Some(other),
            None => None,
        };
        let end = self.walk(from, memory, None, frames);
        let interned = stacks.intern(end.base(), frames);
        let last_cell = recent.filter(|_| end == End::Complete && !interned.cut).map(|recent| {
            *recent = Recent { stack: interned.stack, last_cell: LastCell::default() };
            &mut recent.last_cell
        });
        Captured { interned, end, last_cell }
    }
}

/// Whether a complete stack is the current one: the chain has the same addresses and the same end.
#[inline]
fn is_unchanged(mut stack: StackId, from: Registers, memory: Memory<'_>, stacks: Stacks<'_>) -> bool {
    let (mut fp, mut low) = (own_frame_pointer(from.fp), from.sp);
    let mut generations = Generations::default();
    loop {
        if fp < low {
            return fp == 0 && stack == StackId::ROOT;
        }
        let Some([outer, address]) = memory.pair(fp.wrapping_add_signed(CHAIN * WORD)) else { return false };
        let Some((known, caller)) = stacks.node(stack) else {
            return is_outermost(address) && stack == StackId::ROOT;
        };
        // A node has no address of an exception's return.
        if generations.address(plain(address).wrapping_sub(1)) != Some(known) {
            return false;
        }
        (fp, low, stack) = (outer, fp + 1, caller);
    }
}

/// The entry of a stack: stacks of one loop differ in their frame pointer or in their callers.
#[inline]
fn index(from: Registers, memory: Memory<'_>) -> usize {
    let frame = |fp: usize| memory.pair(fp.wrapping_add_signed(CHAIN * WORD)).unwrap_or_default();
    let fp = own_frame_pointer(from.fp);
    let [outer, caller] = frame(fp);
    let [_, outer] = frame(outer);
    let mixed = ((fp ^ caller.rotate_left(7) ^ outer) as u32).wrapping_mul(0x9E37_79B1);
    (mixed >> 28) as usize % RECENT
}

const WORD: isize = size_of::<usize>() as isize;

/// The chain, innermost frame first.
struct Chain<'p> {
    /// The frame pointer of the next frame; 0 at the end.
    fp: usize,
    memory: Memory<'p>,
    /// The chain must not go below this address.
    low: usize,
}

/// Addresses up to this far below 0 are no return addresses: start-up code has them, and a Cortex-M returns from exceptions
/// by them.
const UNUSUAL: usize = 256;

/// Whether the frame has no caller: start-up code cleared the return address.
fn is_outermost(address: usize) -> bool {
    address == 0 || address == usize::MAX
}

impl<'p> Chain<'p> {
    #[inline]
    fn new(from: Registers, memory: Memory<'p>) -> Self {
        Chain { fp: own_frame_pointer(from.fp), memory, low: from.sp }
    }

    /// An address inside the next calling instruction, or how the walk ended.
    #[inline(always)]
    fn next(&mut self) -> Result<usize, End> {
        let fp = self.fp;
        if fp < self.low {
            return Err(if fp == 0 { End::Complete } else { End::Stopped });
        }
        let Some([next, address]) = self.memory.pair(fp.wrapping_add_signed(CHAIN * WORD)) else {
            return Err(End::Stopped);
        };
        self.fp = next;
        self.low = fp + 1;
        #[cfg(any(compact, all(test, macos_tested)))]
        // On x86_64 the stack pointer of `_sigtramp` is its frame pointer.
        if let Some(stored) = signal_frame::find(HOST, signal_frame::start(HOST, fp, fp), &self.memory) {
            return self.interrupted(stored);
        }
        if address.wrapping_add(UNUSUAL) <= UNUSUAL {
            return self.unusual(fp, address);
        }
        Ok(plain(address).wrapping_sub(1))
    }

    /// The frame is that of `_sigtramp`: the walk goes on in the code that a signal has interrupted.
    #[cfg(any(compact, all(test, macos_tested)))]
    #[cold]
    fn interrupted(&mut self, stored: Stored) -> Result<usize, End> {
        let [pc, sp, fp] = [stored.pc, stored.sp, stored.fp].map(|address| self.memory.read(address));
        let (Some(pc), Some(sp), Some(fp)) = (pc, sp, fp) else { return Err(End::Stopped) };
        let sp = plain(sp);
        // The interrupted code may have run on another stack, below this one.
        if !self.memory.switch(sp) {
            return Err(End::Stopped);
        }
        (self.fp, self.low) = (plain(fp), sp);
        Ok(plain(pc))
    }

    #[cold]
    fn unusual(&mut self, fp: usize, address: usize) -> Result<usize, End> {
        if is_outermost(address) {
            return Err(End::Complete);
        }
        let there = interrupted(address, fp, &mut self.memory).ok_or(End::Stopped)?;
        // The interrupted code may have run on another stack, below this one.
        if self.fp != 0 && !self.memory.holds(self.fp) {
            if !self.memory.switch(self.fp) {
                return Err(End::Stopped);
            }
            self.low = 1;
        }
        Ok(there)
    }
}

#[cfg(all(test, target_pointer_width = "64", not(target_arch = "riscv64")))]
mod tests {
    use super::*;
    use crate::table::stacks::StackTable;
    use std::boxed::Box;
    use std::vec::Vec;

    /// A remembered stack is the stack that a walk finds, until any part of it differs.
    #[test]
    fn stacks_are_recognised_while_nothing_has_changed() {
        // Eight frames of two words, with a word behind each; the outermost has neither caller nor return address.
        let (table, mut words) = (Box::new(StackTable::<64>::new()), Box::new([0; 24]));
        let base = words.as_ptr() as usize;
        for frame in 0..7 {
            words[3 * frame] = base + 24 * (frame + 1);
            words[3 * frame + 1] = 0x1000 * (frame + 1) + 1;
        }
        let mut memo = Memo {
            recent: core::array::from_fn(|_| Recent { stack: StackId::ROOT, last_cell: LastCell::default() }),
        };
        let from = Registers { pc: 0, sp: base, fp: base };
        let prove = |_| Some((base, base + 24 * 8));
        // The frames that were walked (none for a recognised stack), the stack, and the end of the walk.
        let mut capture = || {
            let mut frames = heapless::Vec::<usize, 16>::new();
            let memory = Memory::at(base, &prove).unwrap();
            let captured = FramePointer.capture(from, memory, Some(&mut memo), table.by_ref(), &mut frames);
            (frames, captured.interned, captured.end)
        };
        let (frames, stack, end) = capture();
        assert_eq!(*frames, [0x1000, 0x2000, 0x3000, 0x4000, 0x5000, 0x6000, 0x7000]);
        assert_eq!(end, End::Complete);
        // A return address each, a chain that ends early, goes inwards, out of the stack, or between words, one that goes on.
        let returns = (1..20).step_by(3).map(|place| (place, words[place] + 2));
        let outer = |place| [0, base, base + 8 * 24, base + 8 * place + 25].map(|outer| (place, outer));
        let chains = (3..16).step_by(3).flat_map(outer);
        for (place, value) in returns.collect::<Vec<_>>().into_iter().chain(chains).chain([(22, 0x9001)]) {
            capture();
            // A word that decides nothing.
            words[2] += 1;
            assert_eq!(capture(), (heapless::Vec::new(), stack, End::Complete));
            let before = core::mem::replace(&mut words[place], value);
            let (frames, other, _) = capture();
            assert!(!frames.is_empty() && other != stack, "word {place} as {value:#x}: {frames:x?}");
            words[place] = before;
        }
    }

    /// A handler runs on a stack of its own, in code that was interrupted in a frame of another stack.
    #[cfg(macos_tested)]
    #[test]
    fn a_stack_leads_through_the_start_of_a_signals_handler() {
        use super::signal_frame::simulated::{SMALLEST, Stack};
        let (mut outer, mut inner) = (Stack::new(), Stack::new());
        let below = outer.base() + 64;
        // The interrupted function has a frame, and a caller, which is outermost.
        outer.write(below + 32, [below + 64, 0x3001]);
        outer.write(below + 64, [0usize, 0]);
        let start = inner.interrupt(HOST, inner.end(), SMALLEST, [0x2000, below, below + 32]);
        let [_, trampoline] = inner.start_handler(HOST, start, below + 32);
        // The handler and the hook.
        inner.write(inner.base() + 128, [trampoline, 0x1001]);
        inner.write(inner.base(), [inner.base() + 128, 0x0801]);
        let ends = [&outer, &inner].map(|stack| (stack.base(), stack.end()));
        let prove = |sp| ends.into_iter().find(|(low, high)| (*low..*high).contains(&sp));
        let memory = Memory::at(inner.base(), &prove).unwrap();
        let from = Registers { pc: 0, sp: inner.base(), fp: inner.base() };
        let mut frames = heapless::Vec::<usize, 16>::new();
        let end = FramePointer.walk(from, memory, None, &mut frames);
        assert_eq!((&frames[..], end), (&[0x800, 0x1000, 0x2000, 0x3000][..], End::Complete));
    }
}
