//! The tracker of C programs.

use memtrack_core::Tracker;

/// It wraps nothing: the functions of this crate hand out the blocks and tell it.
pub(crate) static TRACKER: Tracker<()> = Tracker::new(());
