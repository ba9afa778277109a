//! memtrack for C and C++.
//!
//! One module a noun of `memtrack.h`, which is generated from this crate. **You** decide where blocks come from: call
//! the `memtrack_malloc` family, let the linker do so (`-Wl,--wrap=malloc`, `memtrack.hpp`), or preload the shared
//! library under a program that stays as it is. **This crate** books each block with the tracker and keeps its token
//! beside it. **Not for**: memory that does not come from one of these; tell it by hand ([`tokens`]).
//!
//! Nothing here panics or unwinds: null and misuse give a code. Nothing here allocates for itself.
//!
//! | way in | entry points | blocks come from |
//! |---|---|---|
//! | call | [`family`]: `memtrack_malloc` … | the C library, or the program's own allocator ([`allocator`]) |
//! | link | [`wrap`]: `__wrap_malloc` … | the same |
//! | preload | [`preload`] and [`operators`]: `malloc`, `operator new` … of the shared library alone | the next `malloc` in the order of the linker |
#![cfg_attr(not(any(hosted, test)), no_std)]

mod allocator;
mod board;
mod dump;
mod family;
#[cfg(hosted)]
mod library;
#[cfg(hosted)]
mod operators;
#[cfg(hosted)]
mod preload;
mod result;
mod source;
mod spans;
mod stats;
mod text;
mod tokens;
mod tracker;
mod wrap;
