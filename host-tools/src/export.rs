//! The formats that a view can be written in.
//!
//! `format` is the table of all formats: its row has everything that is known of one. Each format has a writer
//! in a file of its own; `request` has what a writer gets.

mod choice;
pub mod csv;
pub mod dhat;
mod each;
mod facts;
pub mod firefox;
pub mod folded;
mod format;
pub mod heaptrack;
pub mod html;
pub mod jemalloc;
pub mod json;
mod markdown;
pub mod massif;
pub mod palette;
pub mod pprof;
mod request;
pub mod speedscope;
mod style;
pub mod svg;
pub mod text;

pub use facts::{Difference, Facts, MetricOption};
pub use format::{Format, write};
pub use palette::Palette;
pub use style::Style;
