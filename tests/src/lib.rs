//! What the suites share.
//!
//! Each file of `tests/` is a suite, for one promise. `src/bin/` holds the programs that suites run, and `c/` those in C.
//! `cargo xtask bless` alone writes the files in `corpus/` that suites compare with: a suite without its file fails.

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
