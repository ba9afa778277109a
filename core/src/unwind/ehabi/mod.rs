//! Unwinding by ARM's exception handling tables (EHABI, ARM IHI 0038). Compilers for ARM write them, in `.ARM.exidx`, in place of
//! DWARF tables. They need no frame pointers, in frames of C neither.
//!
//! - [`table`]: finds the unwind instructions of an address;
//! - [`bytecode`]: what the instructions do;
//! - [`prologue`]: whether interrupted code has pushed its return address.
//!
//! On a host they become a rule:
//!
//! - `rule`: the rule of instructions.
//!
//! A firmware runs them:
//!
//! - `walk`: goes from frame to frame;
//! - `frame`: the registers of a frame, and what instructions do with them;
//! - `exception`: steps over the registers that the processor pushed when an interrupt came in.

mod bytecode;
#[cfg(not(ehabi))]
pub(super) mod exception;
#[cfg(not(ehabi))]
mod frame;
pub(super) mod prologue;
#[cfg(ehabi)]
pub(super) mod rule;
#[cfg(not(target_pointer_width = "32"))]
pub(super) mod simulated;
pub(super) mod table;
#[cfg(all(test, not(ehabi)))]
mod tests;
#[cfg(not(ehabi))]
mod walk;

#[cfg(all(target_arch = "arm", not(ehabi)))]
pub use walk::Ehabi;
