//! Modules of the contract for a system that lacks what they offer. Each says so by its results.

pub(crate) mod backing_file;
pub(crate) mod fault;
pub(crate) mod fork;
pub(crate) mod fork_gate;
pub(crate) mod pages;
pub(crate) mod sandbox;
#[cfg(not(unix))]
pub(crate) mod signal_mask;
