//! memtrack for C and C++.
//!
//! There is one module for each noun of `memtrack.h`, which is generated from this crate.
//!
//! **You** decide where blocks come from: call the `memtrack_malloc` family, let the linker redirect the calls
//! (`-Wl,--wrap=malloc`, `memtrack.hpp`), or preload the shared library into an unchanged program.
//!
//! **This crate** counts each block with the tracker and stores the block's token beside it.
//!
//! **Not for** memory from another source; report such memory by hand ([`tokens`]).
//!
//! Nothing here panics or unwinds: null and misuse return a code. Nothing here allocates memory for itself.
//!
//! | way in | entry points | blocks come from |
//! |---|---|---|
//! | call | [`family`]: `memtrack_malloc` … | the C library, or the program's own allocator ([`allocator`]) |
//! | link | [`wrap`]: `__wrap_malloc` … | the same |
//! | preload | `preload` and `operators`: `malloc`, `operator new` … in the shared library only | the next `malloc` in the linker's order |
//! | preload on macOS | `interpose`: `malloc`, `malloc_zone_malloc` … in the shared library only | the C library |
//!
//! Windows has the first way only: nothing replaces `malloc` there. The blocks are in front of their headers, because a
//! program and a library may have different C libraries (`aligned`).
#![cfg_attr(not(any(hosted, test)), no_std)]

#[cfg(aligned_blocks)]
mod aligned;
mod allocator;
mod board;
mod context;
mod dump;
mod error_number;
mod family;
#[cfg(interposing)]
mod interpose;
#[cfg(not(hosted))]
mod kernel;
#[cfg(library_blocks)]
mod library;
#[cfg(library_blocks)]
mod mode;
#[cfg(preloading)]
mod operators;
mod platform;
#[cfg(preloading)]
mod preload;
#[cfg(library_blocks)]
mod process;
mod result;
mod sized;
mod source;
mod spans;
mod stats;
mod text;
mod tokens;
mod tracker;
#[cfg(not(aligned_blocks))]
mod wrap;
