//! The tables: stacks, cells, threads, stages and tags, in one contiguous region.
//!
//! All-zero is the empty state of every table, so a region is `.bss`. The tables have ids and indices and no pointers, so a
//! host can read a raw copy of a region. Nothing here waits. The tables know nothing of the platform: memory, time and
//! barriers reach them as arguments.
//!
//! - [`region`]: all tables of a tracker; [`growing`], [`growth`], [`space`], [`backing`]: memory that is mapped as tables grow;
//! - [`index`], [`stacks`], [`cells`], [`threads`]: found or inserted by the hook, lock-free;
//! - [`account`]: the counters of a cell or a thread;
//! - [`peak`]: the peaks of program, stages and threads;
//! - [`pending`]: work that an event runs in addition to counting;
//! - [`tags`]: names under a thread's stacks; [`timeline`]: live bytes over time; [`sizes`]: allocations by size;
//!   [`losses`]: events that could not be attributed in full;
//! - [`image`]: how a copy of a region is read.

pub(crate) mod account;
pub(crate) mod backing;
#[cfg(any(not(feature = "std"), test))]
mod capacity;
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
pub(crate) mod slot;
#[cfg(feature = "std")]
pub(crate) mod space;
pub(crate) mod stacks;
pub(crate) mod tags;
pub(crate) mod threads;
pub(crate) mod timeline;
