//! Which of a dump's snapshots to show.

use memtrack_format::Kind;

use crate::Error;
use crate::clean::clean_bytes;
use crate::profile::view::unknown;
use crate::reader::Dump;
use crate::units::bytes;

/// A snapshot that was chosen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Selected {
    /// Its index among [`Dump::entries`].
    pub index: usize,
    /// What it shows.
    pub kind: Kind,
    /// What the user should know about the choice.
    pub note: Option<String>,
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
        let note = "the snapshot is incomplete: figures and stacks are missing from what is shown";
        return Selected { index, kind: Kind::Program, note: Some(note.into()) };
    }
    let index = entries.iter().rposition(|entry| entry.complete).unwrap_or(entries.len() - 1);
    let note = "the dump has no snapshot of the whole program: showing its last stage";
    Selected { index, kind: Kind::Stage, note: Some(note.into()) }
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
    if let Some((complete, peak, index)) = named.max() {
        let note = if complete {
            higher_peak(dump, name, peak)
        } else {
            Some("the stage's snapshot is incomplete: cells are missing from what is shown".into())
        };
        return Ok(Selected { index, kind: Kind::Stage, note });
    }
    let names = names(dump);
    if names.iter().any(|known| known == name) {
        return Err(Error::StageWithoutCells { name: name.into() });
    }
    Err(unknown("stage", name, names.iter().map(String::as_str)))
}

/// For each stage with a whole snapshot of its own the one with the highest peak, in the order of their names.
#[must_use]
pub fn stages(dump: &Dump<'_>) -> Vec<Selected> {
    let chosen = names(dump).into_iter().filter_map(|name| stage(dump, &name).ok());
    chosen.filter(|selected| dump.entries()[selected.index].complete).collect()
}

/// Whole snapshots of the program besides the one that [`program`] chooses: as many as a report can show, spread over the
/// time.
#[must_use]
pub fn moments(dump: &Dump<'_>) -> Vec<Selected> {
    /// More would make the report large, and its marks touch.
    const MOST: usize = 16;
    let shown = program(dump).index;
    let entries = dump.entries().iter().enumerate();
    let others: Vec<usize> = entries
        .filter(|(index, entry)| entry.complete && !entry.is_stage() && *index != shown)
        .map(|(index, _)| index)
        .collect();
    let chosen = others.len().min(MOST);
    let spread = (0..chosen).map(|place| others[(place + 1) * others.len() / chosen - 1]);
    spread.map(|index| Selected { index, kind: Kind::Program, note: None }).collect()
}

/// What to say when the stage's highest peak is not among the snapshots of it.
fn higher_peak(dump: &Dump<'_>, name: &str, shown: u64) -> Option<String> {
    let whole = dump.snapshot(program(dump).index);
    let peaks = whole.stages.iter().filter(|stage| clean_bytes(stage.name) == name).map(|stage| stage.peak);
    let highest = peaks.max().filter(|&peak| peak > shown)?;
    Some(format!(
        "the stage's highest peak was {}, but the dump has cells only of a run with {}",
        bytes(highest),
        bytes(shown)
    ))
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
