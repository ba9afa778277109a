//! The model that every exporter reads.
//!
//! A profile is one snapshot with names: of the whole program, or of one stage. It holds samples, one for
//! each combination of stack, thread, tag and heap, and each sample has all metrics.
//!
//! - `model`, `parts`, `sample`: the data of a profile.
//! - `nodes`, `names`, `sizes`: convert the records of a dump to that data.
//! - `view`: selects the part of a profile that is shown.
//! - `paths`, `prefixes`, `labels`: the frames of each sample, as a view shows them.
//! - `flame`: a tree of frames with the sums of one metric.
//! - `stacks`: a list of stacks with all metrics.
//! - `suppressed`: live figures that suppressions removed.
//! - `attribution`, `check`: how complete the figures are, and whether they add up.

mod attribution;
pub mod check;
mod flame;
mod labels;
mod metric;
mod model;
mod names;
mod nodes;
mod parts;
mod paths;
mod prefixes;
mod sample;
mod sizes;
pub mod stacks;
pub mod suppressed;
mod view;

pub use attribution::Attribution;
pub use flame::{Around, Flame, FlameNode};
pub use metric::{Metric, Moment};
pub use model::{MAX_DEPTH, Profile};
pub use parts::{Program, Stage, Thread};
pub use paths::Step;
pub use sample::{At, Sample, Stack};
pub use sizes::Size;
pub use stacks::Stacks;
pub use suppressed::Suppressed;
pub use view::View;
