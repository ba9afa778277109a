//! The process as the tracker sees it: which trackers it has, when snapshots are written and where to.

pub(crate) mod dump_stack;
pub(crate) mod environment;
pub(crate) mod forks;
pub(crate) mod generations;
pub(crate) mod lifecycle;
pub(crate) mod owner;
pub(crate) mod recording;
pub(crate) mod registry;
pub(crate) mod snapshot_file;
pub(crate) mod triggers;
pub(crate) mod unloading;
