//! Following the chain of frame pointers.
//!
//! Where the platform has memory for it, stacks that were captured are recognised: the chain is followed once more and
//! each address compared with the remembered stack's nodes, which costs a fraction of finding it in the tables.

use super::arch::{CHAIN, interrupted, plain};
use super::{Captured, End, Frames, Interned, Memory, Note, Registers, StackId, Stacks, Unwind};

/// Follows the chain of frame pointers: x86_64 `rbp`, aarch64 `x29`, riscv `s0`, Thumb `r7`.
///
/// Exact for code compiled with `-C force-frame-pointers=yes` (C: `-fno-omit-frame-pointer`); frames of other code
/// are missed or end the walk. Each step is checked: the chain must go outwards, be aligned and stay on the stack.
#[derive(Debug, Default, Clone, Copy)]
pub struct FramePointer;

/// Stacks that are remembered for a thread.
#[doc(hidden)]
#[repr(C)]
pub struct Memo {
    recent: [Recent; RECENT],
}

const RECENT: usize = 16;

/// A stack that was captured, under the place that its frame pointer and first return address hash to.
#[repr(C)]
struct Recent {
    /// [`StackId::ROOT`] when there is none.
    stack: StackId,
    note: Note,
}

// SAFETY: reads only through `Memory::read`; every step goes outwards, so the walk ends.
unsafe impl Unwind for FramePointer {
    const NAME: &'static str = "frame pointers";
    type Memo = Memo;

    #[inline]
    fn walk(&self, from: Registers, memory: Memory<'_>, _: Option<&mut Memo>, frames: &mut Frames) -> End {
        let mut chain = Chain::new(from, memory);
        loop {
            match chain.next() {
                Ok(address) => {
                    if frames.push(address).is_err() {
                        return End::TooDeep;
                    }
                }
                Err(end) => return end,
            }
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
        let recent = memo.map(|memo| &mut memo.recent[place(from, memory)]);
        let known = recent.as_ref().map_or(StackId::ROOT, |recent| recent.stack);
        let mut chain = Chain::new(from, memory);
        // What is left of the known stack while all addresses so far are its own.
        let mut same = Some(known);
        let end = loop {
            let address = match chain.next() {
                Ok(address) => address,
                Err(end) => break end,
            };
            if frames.push(address).is_err() {
                break End::TooDeep;
            }
            same = same
                .and_then(|stack| stacks.node(stack))
                .filter(|(known, _)| *known == address)
                .map(|(_, caller)| caller);
        };
        if end == End::Complete && same == Some(StackId::ROOT) {
            let interned = Interned { stack: known, cut: false };
            return Captured { interned, end, note: recent.map(|recent| &mut recent.note) };
        }
        let interned = stacks.intern(end.base(), frames);
        let note = recent.filter(|_| end == End::Complete && !interned.cut).map(|recent| {
            *recent = Recent { stack: interned.stack, note: Note::default() };
            &mut recent.note
        });
        Captured { interned, end, note }
    }
}

/// Where a stack is remembered: stacks of one loop differ in their frame pointer or in who called.
#[inline]
fn place(from: Registers, memory: Memory<'_>) -> usize {
    let frame = |fp: usize| memory.pair(fp.wrapping_add_signed(CHAIN * WORD)).unwrap_or_default();
    let [outer, caller] = frame(from.fp);
    let [_, outer] = frame(outer);
    let mixed = ((from.fp ^ caller.rotate_left(7) ^ outer) as u32).wrapping_mul(0x9E37_79B1);
    (mixed >> 28) as usize % RECENT
}

const WORD: isize = size_of::<usize>() as isize;

/// The chain, from inside outwards.
struct Chain<'p> {
    /// 0 at the end.
    fp: usize,
    memory: Memory<'p>,
    /// The chain may not go below.
    low: usize,
}

/// Return addresses up to this far below 0 are none: start-up code's, or what a Cortex-M returns from exceptions by.
const UNUSUAL: usize = 256;

impl<'p> Chain<'p> {
    #[inline]
    fn new(from: Registers, memory: Memory<'p>) -> Self {
        Chain { fp: from.fp, memory, low: from.sp }
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
        if address.wrapping_add(UNUSUAL) <= UNUSUAL {
            return self.unusual(fp, address);
        }
        Ok(plain(address).wrapping_sub(1))
    }

    #[cold]
    fn unusual(&mut self, fp: usize, address: usize) -> Result<usize, End> {
        // The outermost frame has no caller: the start-up code cleared the return address.
        if address == 0 || address == usize::MAX {
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
