//! What finds and keeps peaks.

pub(crate) mod credit;
pub(crate) mod epoch;
pub(crate) mod program;
pub(crate) mod share;
pub(crate) mod stage;
#[cfg(feature = "std")]
pub(crate) mod stage_cells;
pub(crate) mod thread;

pub(crate) use program::{Epoch, Mark, Marks};
pub(crate) use share::Share;
