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
pub mod image_builder;
pub mod inputs;
pub mod listing;
pub mod model;
pub mod program;
pub mod script;
pub mod snapshot;

// What only the suites need that run on Linux with glibc. The others are for every system.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
pub mod fork;
#[cfg(all(target_os = "linux", target_env = "gnu"))]
pub mod limits;
#[cfg(all(target_os = "linux", target_env = "gnu"))]
pub mod made_up;
#[cfg(all(target_os = "linux", target_env = "gnu"))]
pub mod say;
