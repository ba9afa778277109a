//! The contents of a dump, for `memtrack-fold info`, `--list-threads`, `--list-stages` and `--list-sizes`.
//!
//! - `text`: for people.
//! - `json`: for programs.
//! - `lists`: tables of the parts of a dump.

pub mod json;
pub mod lists;
pub mod text;

use memtrack_format::Config;

use crate::clean::clean_bytes;
use crate::modules::Module;
use crate::profile::Profile;
use crate::reader::{Dump, Entry, Tracker};
use crate::select::Selected;

/// The input of `text` and `json`.
pub struct Info<'i> {
    /// The dump.
    pub dump: &'i Dump<'i>,
    /// The snapshot that is shown.
    pub selected: Selected,
    /// That snapshot with names.
    pub profile: &'i Profile,
    /// Warnings for the user.
    pub warnings: Vec<String>,
}

/// The module that has a tracker, if it is known.
fn module_of(info: &Info<'_>, tracker: &Tracker) -> Option<String> {
    let modules = info.profile.modules.all();
    let holds = |segment: &memtrack_format::Segment| {
        tracker.process.tracker.checked_sub(segment.start).is_some_and(|offset| offset < segment.length)
    };
    modules.iter().find(|module| module.segments.iter().any(holds)).map(Module::name)
}

/// The name, use and capacity of each table.
fn tables(config: &Config) -> [(&'static str, u32, u32); 5] {
    [
        ("stack nodes", config.nodes, config.nodes_capacity),
        ("cells", config.cells, config.cells_capacity),
        ("threads", config.threads, config.threads_capacity),
        ("finished stages", config.stages, config.stages_capacity),
        ("tags", config.tags, config.tags_capacity),
    ]
}

/// The kind and the cause of a snapshot, and the name of its stage.
fn entry_words(entry: &Entry<'_>) -> (&'static str, &'static str, Option<String>) {
    let kind = if entry.is_stage() { "stage" } else { "program" };
    let cause = entry.about.map_or("unknown", |about| about.cause.as_str());
    (kind, cause, entry.stage.filter(|_| entry.is_stage()).map(|head| clean_bytes(head.name)))
}
