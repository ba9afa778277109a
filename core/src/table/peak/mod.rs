//! Peaks: the bytes that the program, a stage or a thread held at most, and which cells held them.
//!
//! - [`epoch`]: how accounts remember their figures at a peak;
//! - [`share`], [`credit`]: the bytes between live and the peak, which threads hand around;
//! - [`program`]: the peaks of the program and of its innermost stage;
//! - [`thread`]: a thread's own peaks;
//! - [`stage`], [`summary`]: active stages, and the figures of those that have ended;
//! - [`stage_cells`]: the cells of a thread at the peak of a stage of that thread.

pub(crate) mod credit;
pub(crate) mod epoch;
pub(crate) mod program;
pub(crate) mod share;
pub(crate) mod stage;
#[cfg(feature = "std")]
pub(crate) mod stage_cells;
pub(crate) mod summary;
pub(crate) mod thread;

pub(crate) use epoch::{Epoch, Epochs, Mark};
pub(crate) use program::Marks;
pub(crate) use share::Share;
