//! Modules that the suites share.
//!
//! Each file of `tests/` is a suite, which tests one promise. `src/bin/` holds the programs that the suites run, `c/` those
//! in C and C++. Suites compare with the files in `corpus/`, which only `cargo xtask bless` writes: a suite fails if its
//! file is missing.

pub mod allocators;
pub mod c;
pub mod corpus;
pub mod dump_builder;
pub mod folded;
pub mod fork;
pub mod image_builder;
pub mod inputs;
pub mod listing;
pub mod made_up;
pub mod model;
pub mod program;
pub mod say;
pub mod script;
pub mod snapshot;
