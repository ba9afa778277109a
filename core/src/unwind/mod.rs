//! Capturing call stacks: the trait, and the unwinders that ship.
//!
//! | unwinder | where | how |
//! |---|---|---|
//! | [`Cfi`] | default on Linux (x86_64, aarch64, riscv64); these and riscv32 without `std` | DWARF call frame information; on Linux it needs no compiler flags |
//! | [`FramePointer`] | default elsewhere | follows the chain of frame pointers; needs `-C force-frame-pointers=yes` |
//! | `Ehabi` | Cortex-M | ARM's own unwind tables, C's frames included; needs `-C force-unwind-tables=yes` |
//! | `MiniBacktrace` | feature `mini-backtrace` | LLVM's libunwind |
//! | [`NoUnwind`] | anywhere | no stacks: counters only, the cheapest mode |

mod arch;
#[cfg(cfi)]
mod cfi;
#[cfg(cfi_bare)]
#[path = "cfi_bare.rs"]
mod cfi;
#[cfg(any(
    all(target_arch = "arm", not(feature = "std")),
    all(any(test, fuzzing), target_pointer_width = "64")
))]
mod ehabi;
mod frame_pointer;
#[cfg(feature = "mini-backtrace")]
mod mini_backtrace;
mod no_unwind;
#[cfg(any(cfi, cfi_bare))]
mod rules;
#[cfg(cfi)]
mod stack_cache;

#[cfg(any(cfi, cfi_bare))]
pub use cfi::Cfi;
#[cfg(all(target_arch = "arm", not(feature = "std")))]
pub use ehabi::Ehabi;
pub use frame_pointer::FramePointer;
#[cfg(feature = "mini-backtrace")]
pub use mini_backtrace::MiniBacktrace;
pub use no_unwind::NoUnwind;

/// Walks over stacks and by tables that are laid by hand.
#[cfg(all(fuzzing, cfi))]
#[doc(hidden)]
pub mod fuzz {
    pub use super::cfi::fuzz::walk as cfi;
    pub use super::ehabi::simulated::{INDEX, STACK, walk as ehabi};
}

pub use crate::table::stacks::{Interned, StackId, Stacks};
pub(crate) use arch::{registers, stack_pointer};

#[cfg(feature = "std")]
use crate::session::generations::Turns;

/// On bare metal nothing is loaded in the place of something else.
#[cfg(not(feature = "std"))]
#[derive(Default)]
struct Turns {}

#[cfg(not(feature = "std"))]
impl Turns {
    #[inline(always)]
    fn address(&mut self, pc: usize) -> Option<usize> {
        Some(pc)
    }
}

/// The unwinder of [`Tracker::new`](crate::Tracker::new).
#[cfg(cfi)]
pub type DefaultUnwind = Cfi;
/// The unwinder of [`Tracker::new`](crate::Tracker::new).
#[cfg(not(cfi))]
pub type DefaultUnwind = FramePointer;

/// The registers from which a stack is walked, of the hook's own frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Registers {
    /// The program counter.
    pub pc: usize,
    /// The stack pointer.
    pub sp: usize,
    /// The frame pointer register, whatever it holds.
    pub fp: usize,
}

/// The readable part of the stack that is being walked.
#[derive(Clone, Copy)]
pub struct Memory<'p> {
    low: usize,
    high: usize,
    /// It is the thread's own stack: what lies above its stack pointer stays readable.
    #[cfg(cfi)]
    lasting: bool,
    prove: &'p dyn Fn(usize) -> Option<(usize, usize)>,
}

impl<'p> Memory<'p> {
    /// The part around `sp`; `prove` gives the readable range around an address. `None` when nothing is known.
    /// `lasting` is the thread's own stack, as far as it is known.
    #[inline(always)]
    pub(crate) fn at(
        sp: usize,
        prove: &'p dyn Fn(usize) -> Option<(usize, usize)>,
        lasting: impl FnOnce() -> (usize, usize),
    ) -> Option<Self> {
        let (low, high) = prove(sp)?;
        #[cfg(cfi)]
        let lasting = {
            let own = lasting();
            low >= own.0 && high == own.1
        };
        #[cfg(not(cfi))]
        let _ = lasting;
        Some(Memory {
            low,
            high,
            #[cfg(cfi)]
            lasting,
            prove,
        })
    }

    /// Whether it is the thread's own stack.
    #[cfg(cfi)]
    pub(crate) fn is_lasting(&self) -> bool {
        self.lasting
    }

    /// The word at `address`; `None` when it is not aligned or not known to be readable.
    #[inline]
    pub fn read(&self, address: usize) -> Option<usize> {
        const WORD: usize = size_of::<usize>();
        if address < self.low || address > self.high.checked_sub(WORD)? || !address.is_multiple_of(WORD) {
            return None;
        }
        // SAFETY: the platform has proven the range readable, and the address is aligned and inside it.
        Some(unsafe { (address as *const usize).read_volatile() })
    }

    /// Two words at `address`.
    #[inline(always)]
    pub(crate) fn pair(&self, address: usize) -> Option<[usize; 2]> {
        const PAIR: usize = 2 * size_of::<usize>();
        if address < self.low || address > self.high.checked_sub(PAIR)? || !address.is_multiple_of(PAIR / 2) {
            return None;
        }
        let words = address as *const usize;
        // SAFETY: the platform has proven the range readable, and both words are aligned and inside it.
        Some(unsafe { [words.read_volatile(), words.add(1).read_volatile()] })
    }

    /// Whether all bytes from `low` to `high` are known to be readable.
    #[cfg(cfi)]
    #[inline]
    pub(crate) fn contains(&self, low: usize, high: usize) -> bool {
        low >= self.low && high <= self.high
    }

    /// Whether the address lies in the part that is being walked.
    fn holds(&self, address: usize) -> bool {
        (self.low..self.high).contains(&address)
    }

    /// The address past the outermost word.
    pub fn end(&self) -> usize {
        self.high
    }

    /// The walk goes on at `sp` on another stack, as behind a signal's frame: false when nothing is known there.
    pub fn switch(&mut self, sp: usize) -> bool {
        if self.holds(sp) {
            return true;
        }
        match (self.prove)(sp) {
            Some((low, high)) => {
                (self.low, self.high) = (low, high);
                #[cfg(cfi)]
                {
                    self.lasting = false;
                }
                true
            }
            None => false,
        }
    }
}

/// How a walk ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// At the outermost frame.
    Complete,
    /// The buffer was full.
    TooDeep,
    /// Before the outermost frame: no unwind information, or a frame that makes no sense.
    Stopped,
}

impl End {
    /// What the outermost frame found hangs on.
    #[must_use]
    pub const fn base(self) -> StackId {
        match self {
            End::Complete => StackId::ROOT,
            End::TooDeep | End::Stopped => StackId::CUT,
        }
    }
}

/// The frames of a stack, innermost first: addresses inside the calling instructions.
pub type Frames = heapless::VecView<usize>;

/// What the tracker keeps beside a stack that an unwinder remembers: the cell that was booked on it last.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct Note {
    pub(crate) cell: u32,
    /// The tag and the heap that it was booked under.
    pub(crate) label: u32,
}

impl Note {
    /// What stands beside a stack that nothing was booked on yet.
    pub const NONE: Note = Note { cell: 0, label: 0 };

    /// The cell, when it was booked under this label.
    #[inline(always)]
    pub(crate) fn cell(self, label: u32) -> Option<u32> {
        (self.cell != Self::NONE.cell && self.label == label).then_some(self.cell)
    }
}

/// A captured stack.
#[derive(Debug, PartialEq, Eq)]
pub struct Captured<'m> {
    /// The stack in the table.
    pub interned: Interned,
    /// How the walk ended.
    pub end: End,
    /// The note beside the stack, all-zero at first, when the unwinder remembers it.
    pub note: Option<&'m mut Note>,
}

/// Captures call stacks.
///
/// # Safety
/// An implementation is called from inside an allocator, in signal handlers and interrupts. It must not allocate,
/// take a lock that anything else can hold, unwind or call the tracker; must end in bounded time; and must read no
/// memory but through [`Memory::read`] or of its own.
pub unsafe trait Unwind: Sync {
    /// What the dump calls it.
    const NAME: &'static str;

    /// What it remembers for each thread. All-zero must be its start.
    type Memo: 'static;

    /// Walks from `from` outwards and appends the callers' addresses: of each call, an address inside the calling
    /// instruction (the return address less one serves).
    fn walk(
        &self,
        from: Registers,
        memory: Memory<'_>,
        memo: Option<&mut Self::Memo>,
        frames: &mut Frames,
    ) -> End;

    /// Walks, and interns what it found. An unwinder that recognises stacks overrides it.
    #[inline]
    fn capture<'m>(
        &self,
        from: Registers,
        memory: Memory<'_>,
        memo: Option<&'m mut Self::Memo>,
        stacks: Stacks<'_>,
        frames: &mut Frames,
    ) -> Captured<'m> {
        let end = self.walk(from, memory, memo, frames);
        Captured { interned: stacks.intern(end.base(), frames), end, note: None }
    }

    /// The note beside the stack here, when it is the one that is expected, complete, and proven unchanged, else
    /// [`Note::NONE`]. It must be the same stack that [`capture`](Self::capture) would find.
    #[inline(always)]
    fn recall(from: Registers, memo: &mut Self::Memo) -> Note {
        let _ = (from, memo);
        Note::NONE
    }

    /// The same for any stack that is remembered.
    fn search(from: Registers, memory: Memory<'_>, memo: &mut Self::Memo, stacks: Stacks<'_>) -> Note {
        let _ = (from, memory, memo, stacks);
        Note::NONE
    }

    /// Whether it captures at all: without, the tracker does not even look for the stack.
    const CAPTURES: bool = true;
}
