//! The input of a report.

use crate::profile::Profile;

/// One dump in a report: the whole program, and the other snapshots with cells.
pub struct Run<'p> {
    /// The whole program.
    pub profile: &'p Profile,
    /// Snapshots of stages, and of the program at other moments.
    pub moments: &'p [Profile],
    /// Warnings about the dump.
    pub warnings: &'p [String],
}

/// The first view of the report.
#[derive(Clone, Debug, Default)]
pub struct Start {
    /// The selected stage.
    pub stage: Option<String>,
}
