//! The formats that a view can be written in.
//!
//! - `format`: the table of all formats. A new format is a row there, and a writer in a file beside it.
//! - `facts`: the columns of that table.
//! - `choice`: selects a format by the extension of a file.
//! - `markdown`: the table for the README.
//! - `request`: the input of a writer.
//! - `style`, `palette`: the look of an output.

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
