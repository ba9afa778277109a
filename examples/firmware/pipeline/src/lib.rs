//! A sensor pipeline: a JSON text says which channels there are, readings are filtered, and a report is built.
//!
//! ```text
//! JSON → Config → sample → Series → filter → Series → report → text
//! ```
//!
//! It is written as such firmware is: on the heap, with what `alloc` offers, and without a thought of the profiler.
#![no_std]

extern crate alloc;

mod config;
mod filter;
mod report;
mod sample;

pub use config::{Channel, Config, Invalid};
pub use filter::filter;
pub use report::report;
pub use sample::sample;

use alloc::vec::Vec;

/// The readings of one channel, in its own unit times its scale.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Series<'c> {
    /// What was measured.
    pub channel: &'c Channel,
    /// The readings, oldest first.
    pub readings: Vec<i32>,
}
