//! The tables: what is known of stacks, cells and threads, in one contiguous region of fixed size.
//!
//! All-zero is the empty state of every table, so that a region is `.bss`. Ids and indices only, no pointers,
//! so that a raw copy of a region can be read by the host. Nothing here waits for anything.

pub(crate) mod account;
pub(crate) mod backing;
pub(crate) mod cells;
#[cfg(feature = "std")]
pub(crate) mod fork;
#[cfg(feature = "std")]
pub(crate) mod growing;
pub(crate) mod growth;
pub(crate) mod image;
pub(crate) mod index;
#[cfg(feature = "std")]
pub(crate) mod inherited;
pub(crate) mod list;
pub(crate) mod losses;
#[cfg(all(test, models))]
mod models;
pub(crate) mod name;
pub(crate) mod peak;
pub(crate) mod pending;
mod private_pages;
pub(crate) mod region;
pub(crate) mod sizes;
pub(crate) mod stacks;
pub(crate) mod tags;
pub(crate) mod threads;
pub(crate) mod timeline;
