//! Modules of the contract for a system that lacks what they offer. Each says so by its results.

#[cfg(not(any(file_backed, recorded_from_start)))]
pub(crate) mod backing_file;
#[cfg(not(any(file_backed, recorded_from_start)))]
pub(crate) mod fault;
#[cfg(not(target_os = "freebsd"))]
pub(crate) mod fork;
#[cfg(not(file_backed))]
pub(crate) mod fork_gate;
#[cfg(not(any(file_backed, recorded_from_start)))]
pub(crate) mod pages;
pub(crate) mod sandbox;
#[cfg(not(unix))]
pub(crate) mod signal_mask;
