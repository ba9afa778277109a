//! What a report shows.

use crate::profile::Profile;

/// One dump in a report: the whole program, and what else the dump has cells of.
pub struct Run<'p> {
    /// The whole program.
    pub profile: &'p Profile,
    /// Snapshots of stages, and of the program at other moments.
    pub moments: &'p [Profile],
    /// What is wrong with the dump.
    pub warnings: &'p [String],
}

/// What the report shows when it is opened.
#[derive(Clone, Debug, Default)]
pub struct Start {
    /// The stage that is chosen.
    pub stage: Option<String>,
}
