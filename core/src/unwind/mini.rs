//! LLVM's libunwind through the mini-backtrace crate.

use super::{End, Frames, Memory, Registers, Unwind};

/// LLVM's libunwind: whatever it supports, ARM EHABI among it. Slow (some 20 µs a stack), so for targets that have
/// nothing better.
///
/// On ARM the linker script must define `__exidx_start` and `__exidx_end`; elsewhere on bare metal link with the
/// crate's `eh_frame.ld`. Compile with `-C force-unwind-tables=yes`.
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
            if frames.push(address).is_err() {
                return End::TooDeep;
            }
        }
        if backtrace.frames_omitted { End::TooDeep } else { End::Complete }
    }
}
