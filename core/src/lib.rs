//! memtrack: a heap profiler that is a library.
//!
//! One line around any allocator shows which code, which thread and which stage of a program holds memory at its peak:
//!
//! ```
//! use memtrack::Tracker;
//! use std::alloc::System;
//!
//! #[global_allocator]
//! static HEAP: Tracker<System> = Tracker::new(System);
//!
//! let kept = {
//!     let _stage = HEAP.stage("load");
//!     vec![0u8; 1 << 20]
//! };
//! assert!(HEAP.stats().live_bytes >= 1 << 20);
//! println!("{}", HEAP.report());
//! # drop(kept);
//! ```
//!
//! **You** choose the inner allocator, name stages and tags where it helps, and ask for a dump (or set
//! `MEMTRACK_DUMP=path`). **memtrack** counts every allocation on its call stack and thread, remembers the peaks,
//! and writes raw addresses. The program `memtrack-fold` names the addresses and draws flame graphs. **Not for**: invalid
//! accesses (use a sanitizer), and memory that does not come from the wrapped allocator.
//!
//! The hook never allocates, never waits, never recurses and never panics. In trouble (full tables, a signal in the middle of the
//! hook, a thread that ends) it counts an event with the facts that it has, and counts a loss. Every report shows the losses.
//!
//! | limit | default with `std` | default without |
//! |---|---|---|
//! | distinct frames ([`Region`] `NODES`) | 262 143 | 255 |
//! | distinct (thread, tag, heap, stack) `CELLS` | 262 143 | 63 |
//! | threads `THREADS`: threads of one name that run one after another count as one | 254 | 4 |
//! | frames of a stack `DEPTH` | 128 | 24 |
//! | names of stages `STAGES`, nesting | 64, 16 | 6, 4 |
//! | trackers in a process | 4 | 1 |
#![cfg_attr(not(any(feature = "std", test)), no_std)]

#[cfg(feature = "std")]
extern crate std;

mod counter;
mod dump;
mod error;
mod hook;
mod limits;
mod lock;
#[cfg(feature = "std")]
mod os;
mod packets;
mod platform;
mod report;
#[cfg(feature = "std")]
mod session;
mod stats;
mod sync;
mod table;
mod target;
mod totals;
mod tracker;
mod trailer;
pub mod unwind;

pub use error::Error;
pub use hook::Tracker;
pub use memtrack_format::LossCause;
pub use packets::Packets;
#[cfg(feature = "std")]
pub use platform::Host;
#[cfg(all(target_arch = "wasm32", not(any(feature = "std", target_feature = "atomics"))))]
pub use platform::JavaScript;
pub use platform::{DefaultPlatform, Local, Platform, Process};
#[cfg(not(feature = "std"))]
pub use platform::{Firmware, SingleCore};
pub use report::Report;
pub use stats::{StageStats, Stats, ThreadStats};
#[cfg(feature = "std")]
pub use table::growing::GrowingRegion;
pub use table::region::{DefaultRegion, MEMTRACK_REGION, Region, Tables};
pub use tracker::scope::ScopeStats;
pub use tracker::stage::StageGuard;
pub use tracker::tag::TagGuard;
pub use tracker::tagged::Tagged;
pub use tracker::thread_stage::ThreadStageGuard;
pub use tracker::token::{Heap, Token};
#[cfg(any(cfi, cfi_bare))]
pub use unwind::Cfi;
#[cfg(all(target_arch = "arm", not(feature = "std")))]
pub use unwind::Ehabi;
#[cfg(all(target_arch = "wasm32", not(feature = "std")))]
pub use unwind::JsStack;
#[cfg(feature = "mini-backtrace")]
pub use unwind::MiniBacktrace;
pub use unwind::{DefaultUnwind, FramePointer, NoUnwind, Unwind};
