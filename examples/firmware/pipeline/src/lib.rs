//! A sensor pipeline: a JSON text configures the channels, readings are filtered, and a report is built.
//!
//! ```text
//! JSON → Config → sample → Series → filter → Series → report → text
//! ```
//!
//! It is written as firmware usually is: on the heap, with the types of `alloc`, without regard to the profiler.
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
    /// The quantity that was measured.
    pub channel: &'c Channel,
    /// The readings, oldest first.
    pub readings: Vec<i32>,
}
