//! From the bytes of a dump to flame graphs.
//!
//! **What this crate does**: [`input`] brings a dump into memory, [`reader`] finds its snapshots, [`modules`]
//! says which binary an address belongs to, [`symbolize`] names it, [`profile`] holds the result — the one model
//! of stacks, threads, stages, tags and metrics — and each file under [`export`] writes one format from it. The
//! program `memtrack-fold` is a thin command line over this. [`diff`] compares two profiles, [`limits`] checks one.
//!
//! **What you do**: hand it a dump, and the binaries that the dump names where they are not in their place.
//!
//! **What it is not for**: it never changes a dump, and never guesses: what has no name shows as
//! `module+0xoffset`, and what was lost is counted and shown.
//!
//! | limit | value |
//! |---|---|
//! | dump versions | those of [`memtrack_format`] |
//! | compressed dumps | gzip and zstd, up to 64 MiB when unpacked or 32 times the compressed size, unless the user says more |
//! | depth of a stack | [`profile::MAX_DEPTH`] innermost calls; more shows as `[truncated]` |
//! | binaries | ELF, Mach-O and PE with DWARF or a PDB, or their symbol tables |

pub mod clean;
pub mod diff;
mod error;
pub mod export;
pub mod extents;
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
pub mod select;
pub mod serve;
pub mod suppress;
pub mod symbolize;
pub mod table;
pub mod top;
pub mod units;
pub mod warnings;

pub use error::Error;
