//! What the suites share.
//!
//! Suites stand in `suites/`, one file a promise; the programs that they run stand in `programs/`. Both are listed
//! in `Cargo.toml`. Files that a suite compares with stand in `corpus/` and are written by `cargo xtask bless` alone:
//! a suite that misses one fails.

pub mod allocators;
pub mod c;
pub mod corpus;
pub mod dump_builder;
pub mod folded;
pub mod fork;
pub mod image_builder;
pub mod inputs;
pub mod listing;
pub mod model;
pub mod program;
pub mod say;
pub mod script;
pub mod snapshot;
