//! Modules of the contract for a system that lacks what they offer. Each says so by its results.

#[cfg(not(any(unix, recorded_from_start)))]
pub(crate) mod backing_file;
#[cfg(not(any(unix, recorded_from_start)))]
pub(crate) mod fault;
pub(crate) mod fork;
#[cfg(not(unix))]
pub(crate) mod fork_gate;
#[cfg(not(any(unix, recorded_from_start)))]
pub(crate) mod pages;
pub(crate) mod sandbox;
#[cfg(not(unix))]
pub(crate) mod signal_mask;
