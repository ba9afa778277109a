//! Following the chain of frame pointers.

use super::arch::{CHAIN, plain};
use super::{End, Frames, Memory, Registers, Unwind};

/// Follows the chain of frame pointers: x86_64 `rbp`, aarch64 `x29`, riscv `s0`, Thumb `r7`.
///
/// Exact for code compiled with `-C force-frame-pointers=yes` (C: `-fno-omit-frame-pointer`); frames of other code
/// are missed or end the walk. Each step is checked: the chain must go outwards, be aligned and stay on the stack.
#[derive(Debug, Default, Clone, Copy)]
pub struct FramePointer;

// SAFETY: reads only through `Memory::read`; every step goes outwards, so the walk ends.
unsafe impl Unwind for FramePointer {
    const NAME: &'static str = "frame pointers";
    type Memo = ();

    #[inline]
    fn walk(&self, from: Registers, memory: Memory<'_>, _: Option<&mut ()>, frames: &mut Frames) -> End {
        const WORD: isize = size_of::<usize>() as isize;
        let mut fp = from.fp;
        if fp < from.sp {
            return End::Stopped;
        }
        loop {
            let word = |place: isize| memory.read(fp.wrapping_add_signed(place * WORD));
            let (Some(next), Some(address)) = (word(CHAIN.0), word(CHAIN.1)) else { return End::Stopped };
            // The outermost frame has no caller: the start-up code cleared the register or the return address.
            if address == 0 || address == usize::MAX {
                return End::Complete;
            }
            if frames.push(plain(address).wrapping_sub(1)).is_err() {
                return End::TooDeep;
            }
            if next == 0 {
                return End::Complete;
            }
            if next <= fp {
                return End::Stopped;
            }
            fp = next;
        }
    }
}
