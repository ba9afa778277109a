//! Capturing call stacks: the trait, and the unwinders that ship.
//!
//! | unwinder | where | how |
//! |---|---|---|
//! | [`Cfi`] | default on Linux (x86_64, i686, aarch64, armv7, riscv64), Android and Windows (x86_64); macOS; these processors and riscv32 without `std` | the tables that compilers write for each function; with a system it needs no compiler flags |
//! | [`FramePointer`] | default elsewhere | follows the chain of frame pointers; needs `-C force-frame-pointers=yes` |
//! | `Ehabi` | Cortex-M | ARM's own unwind tables, C's frames included; needs `-C force-unwind-tables=yes` |
//! | `JsStack` | wasm32 without `std` | asks the JavaScript engine for its stack |
//! | `MiniBacktrace` | feature `mini-backtrace` | LLVM's libunwind |
//! | [`NoUnwind`] | default on wasm32, where a program cannot read its stack; anywhere | no stacks: counters only, the cheapest mode |

mod arch;
mod capture;
#[cfg(cfi)]
mod cfi;
#[cfg(cfi_bare)]
#[path = "cfi_bare.rs"]
mod cfi;
#[cfg(any(
    target_arch = "arm",
    // The simulated target's addresses are below those of the host's stacks.
    all(any(test, fuzzing), target_pointer_width = "64", not(pdata))
))]
mod ehabi;
mod frame_pointer;
mod frame_registers;
mod generations;
#[cfg(all(target_arch = "wasm32", not(feature = "std")))]
mod js_stack;
mod memory;
#[cfg(feature = "mini-backtrace")]
mod mini_backtrace;
mod no_unwind;
#[cfg(any(cfi, cfi_bare))]
mod rules;
#[cfg(any(compact, all(test, macos_tested)))]
mod signal_frame;
#[cfg(cfi)]
mod stack_cache;
#[cfg(cfi)]
mod window;

#[cfg(any(cfi, cfi_bare))]
pub use cfi::Cfi;
#[cfg(all(target_arch = "arm", not(feature = "std")))]
pub use ehabi::Ehabi;
pub use frame_pointer::FramePointer;
#[cfg(all(target_arch = "wasm32", not(feature = "std")))]
pub use js_stack::JsStack;
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
pub use capture::{Captured, End, Frames, LastCell, Unwind};
pub use frame_registers::FramePointers;
use generations::Generations;
#[cfg(cfi)]
use generations::unloads;
pub use memory::{Memory, Registers};

// Code for macOS keeps frame pointers, and they cost less.
#[cfg(all(cfi, not(compact)))]
use cfi::Cfi as Chosen;
#[cfg(not(any(all(cfi, not(compact)), target_arch = "wasm32")))]
use frame_pointer::FramePointer as Chosen;
#[cfg(target_arch = "wasm32")]
use no_unwind::NoUnwind as Chosen;

/// The unwinder of [`Tracker::new`](crate::Tracker::new).
pub type DefaultUnwind = Chosen;
/// The value of this type.
pub(crate) const DEFAULT_UNWIND: DefaultUnwind = Chosen;
