//! Reads dumps, names their addresses, and writes flame graphs, reports and the files of other viewers.
//!
//! **What this crate does**, in the order of the data:
//!
//! - [`input`] brings a dump into memory;
//! - [`reader`] finds its snapshots;
//! - [`modules`] finds the binary to which an address belongs;
//! - [`symbolize`] finds the names of addresses;
//! - [`profile`] is the result: the one model of stacks, threads, stages, tags and metrics;
//! - each file under [`export`] writes one format from a profile.
//!
//! [`diff`] compares two profiles, and [`limits`] checks one. The program `memtrack-fold` is a thin command
//! line over this crate.
//!
//! **What you do**: provide a dump, and those binaries of the dump that have been moved.
//!
//! **What it is not for**: it never changes a dump, and never guesses. A function without a name shows as
//! `module+0xoffset`. Losses are counted and shown.
//!
//! | limit | value |
//! |---|---|
//! | dump versions | those of [`memtrack_format`] |
//! | compressed dumps | gzip and zstd, up to 64 MiB when unpacked or 32 times the compressed size, unless the user sets a limit |
//! | depth of a stack | [`profile::MAX_DEPTH`] innermost calls; more shows as `[truncated]` |
//! | binaries | ELF, Mach-O and PE with DWARF or a PDB, or their symbol tables |

pub mod clean;
pub mod diff;
mod error;
pub mod exit;
pub mod export;
pub mod extents;
mod hash;
pub mod image;
pub mod info;
pub mod input;
pub mod limits;
pub mod loss;
pub mod merge;
pub mod modules;
pub mod output;
pub mod packets;
pub mod profile;
pub mod reader;
mod rows;
pub mod select;
pub mod serve;
pub mod suppress;
pub mod symbolize;
pub mod table;
#[cfg(feature = "top")]
pub mod top;
pub mod units;
pub mod warnings;

pub use error::Error;
