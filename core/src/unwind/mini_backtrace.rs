//! LLVM's libunwind through the mini-backtrace crate.

use super::{End, Frames, Memory, Registers, Unwind};

/// LLVM's libunwind, with all that it supports, ARM EHABI for example. It is slow (some 20 µs a stack), so it is for targets
/// that have nothing better.
///
/// On a host it sees the executable's own frames: the walk ends where a shared library called.
///
/// On ARM the linker script must define `__exidx_start` and `__exidx_end`; elsewhere link with the crate's
/// `eh_frame.ld`, or define the symbols that `Cfi` wants on bare metal, and `__eh_frame_start`. Compile with
/// `-C force-unwind-tables=yes`.
#[derive(Debug, Default, Clone, Copy)]
pub struct MiniBacktrace;

/// Frames that one capture can have.
const MAX: usize = 64;

// SAFETY: mini-backtrace's libunwind is built without heap and threads: it allocates nothing and takes no lock. It
// reads the stack as the program's own unwind tables say.
unsafe impl Unwind for MiniBacktrace {
    const NAME: &'static str = "mini-backtrace";
    type Memo = ();

    fn walk(&self, _: Registers, _: Memory<'_>, _: Option<&mut ()>, frames: &mut Frames) -> End {
        let backtrace = mini_backtrace::Backtrace::<MAX>::capture();
        for &address in &backtrace.frames {
            if address == 0 {
                return End::Complete;
            }
            if frames.push(inside(address)).is_err() {
                return End::TooDeep;
            }
        }
        if backtrace.frames_omitted { End::TooDeep } else { End::Complete }
    }
}

/// An address inside the calling instruction. The crate takes one off a return address, which on ARM only takes off
/// the bit that says Thumb.
fn inside(address: usize) -> usize {
    if cfg!(target_arch = "arm") { address.wrapping_sub(1) } else { address }
}

#[cfg(all(test, cfi))]
mod tests {
    use super::*;
    use crate::unwind::{Cfi, registers};

    /// Both unwinders agree from here outwards, as far as this executable's frames go: how many those are.
    #[inline(never)]
    fn common_frames() -> usize {
        let from = registers();
        let local = crate::platform::Local::new();
        let prove = |sp| crate::platform::Platform::stack(&crate::platform::Host, &local, sp);
        let memory = || Memory::at(from.sp, &prove).unwrap();
        let (mut mine, mut theirs) = (heapless::Vec::<usize, 128>::new(), heapless::Vec::<usize, 128>::new());
        assert_eq!(MiniBacktrace.walk(from, memory(), None, &mut mine), End::Complete);
        assert_eq!(Cfi.walk(from, memory(), None, &mut theirs), End::Complete);
        // Its own frames come first, and the frames of the C library's thread start are missing.
        let inner = mine.iter().position(|address| *address == theirs[0]).expect("the caller is among them");
        let same = mine.len() - inner;
        assert_eq!(mine[inner..], theirs[..same], "{mine:x?}\n{theirs:x?}");
        assert!(theirs.len() - same <= 2, "{mine:x?}\n{theirs:x?}");
        same
    }

    #[inline(never)]
    fn deeper(n: usize) -> usize {
        core::hint::black_box(if n == 0 { common_frames() } else { deeper(n - 1) })
    }

    #[test]
    fn agrees_with_call_frame_information() {
        assert_eq!(deeper(9), deeper(0) + 9);
    }
}
