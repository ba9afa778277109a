//! Which of a dump's snapshots to show.

use memtrack_format::Kind;

use crate::Error;
use crate::clean::clean_bytes;
use crate::profile::view::unknown;
use crate::reader::Dump;

/// A snapshot that was chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Selected {
    /// Its index among [`Dump::entries`].
    pub index: usize,
    /// What it shows.
    pub kind: Kind,
    /// What the user should know about the choice.
    pub note: Option<&'static str>,
}

/// The whole program: its last complete snapshot, else the last partial one, else the last stage.
#[must_use]
pub fn program(dump: &Dump<'_>) -> Selected {
    let entries = dump.entries();
    let last =
        |complete: bool| entries.iter().rposition(|entry| !entry.is_stage() && (entry.complete || !complete));
    if let Some(index) = last(true) {
        return Selected { index, kind: Kind::Program, note: None };
    }
    if let Some(index) = last(false) {
        let note = Some("the snapshot is incomplete: figures and stacks are missing from what is shown");
        return Selected { index, kind: Kind::Program, note };
    }
    let index = entries.iter().rposition(|entry| entry.complete).unwrap_or(entries.len() - 1);
    let note = Some("the dump has no snapshot of the whole program: showing its last stage");
    Selected { index, kind: Kind::Stage, note }
}

/// The run of a stage with the highest peak.
///
/// # Errors
/// When no stage has that name, or when only its figures are in the dump.
pub fn stage(dump: &Dump<'_>, name: &str) -> Result<Selected, Error> {
    let entries = dump.entries();
    let named = entries.iter().enumerate().filter_map(|(index, entry)| {
        let head = entry.stage.filter(|head| entry.is_stage() && clean_bytes(head.name) == name)?;
        Some((entry.complete, head.peak, index))
    });
    if let Some((complete, _, index)) = named.max() {
        let note =
            (!complete).then_some("the stage's snapshot is incomplete: cells are missing from what is shown");
        return Ok(Selected { index, kind: Kind::Stage, note });
    }
    let names = names(dump);
    if names.iter().any(|known| known == name) {
        return Err(Error::StageWithoutCells { name: name.into() });
    }
    Err(unknown("stage", name, names.iter().map(String::as_str)))
}

/// The names of all stages, with and without cells of their own.
#[must_use]
pub fn names(dump: &Dump<'_>) -> Vec<String> {
    let whole = dump.snapshot(program(dump).index);
    let own = dump.entries().iter().filter_map(|entry| entry.stage.map(|head| head.name));
    let mut names: Vec<_> = whole.stages.iter().map(|stage| stage.name).chain(own).map(clean_bytes).collect();
    names.sort_unstable();
    names.dedup();
    names
}
