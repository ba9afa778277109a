//! What is in a dump: `memtrack-fold info`, `--list-threads`, `--list-stages`.

pub mod json;
pub mod lists;
pub mod text;

use memtrack_format::Config;

use crate::clean::clean_bytes;
use crate::modules::Module;
use crate::profile::Profile;
use crate::reader::{Dump, Entry, Tracker};
use crate::select::Selected;

/// What there is to tell about.
pub struct Info<'i> {
    /// The dump.
    pub dump: &'i Dump<'i>,
    /// The snapshot that is shown.
    pub selected: Selected,
    /// The same with names.
    pub profile: &'i Profile,
    /// What the user must know.
    pub warnings: Vec<String>,
}

/// The module that a tracker is in, where that is known.
fn module_of(info: &Info<'_>, tracker: &Tracker) -> Option<String> {
    let modules = info.profile.modules.all();
    let holds = |segment: &memtrack_format::Segment| {
        tracker.process.tracker.checked_sub(segment.start).is_some_and(|offset| offset < segment.length)
    };
    modules.iter().find(|module| module.segments.iter().any(holds)).map(Module::name)
}

/// Used and capacity of each table.
fn tables(config: &Config) -> [(&'static str, u32, u32); 5] {
    [
        ("stack nodes", config.nodes, config.nodes_capacity),
        ("cells", config.cells, config.cells_capacity),
        ("threads", config.threads, config.threads_capacity),
        ("finished stages", config.stages, config.stages_capacity),
        ("tags", config.tags, config.tags_capacity),
    ]
}

/// Kind, cause, state.
fn entry_words(entry: &Entry<'_>) -> (&'static str, &'static str, Option<String>) {
    let kind = if entry.is_stage() { "stage" } else { "program" };
    let cause = entry.about.map_or("unknown", |about| about.cause.as_str());
    (kind, cause, entry.stage.filter(|_| entry.is_stage()).map(|head| clean_bytes(head.name)))
}
