//! All figures of all stacks as JSON, for programs. Fields are only ever added.
//!
//! `frames` has each frame once. An entry of `stacks` has the indices of its frames, outermost first, the ids of thread and
//! tag (0 for none), and a value for each of `metrics`.

use std::io::{self, Write};

use indexmap::IndexSet;
use memtrack_format::Kind;
use serde::Serialize;
use serde_json::{Value, json};

use super::each::Each;
use crate::hash::Numbers;
use crate::info::json as info;
use crate::profile::stacks::{Row, Shown};
use crate::profile::{Metric, Profile, Stacks, Step};
use crate::units::hex;

/// The version of this format.
const VERSION: u32 = 1;

/// The document.
#[derive(Serialize)]
struct Document<F, S> {
    #[serde(flatten)]
    facts: Value,
    frames: F,
    stacks: S,
}

/// Writes the document.
///
/// # Errors
/// Returns an error if `out` fails.
pub fn write(stacks: &Stacks<'_>, profile: &Profile, out: &mut dyn Write) -> io::Result<()> {
    let mut frames: IndexSet<Step, Numbers> = IndexSet::default();
    // The index of the frame at each place.
    let mut indices: Vec<Option<usize>> = vec![None; stacks.end()];
    let mut new: Vec<u32> = Vec::new();
    for row in stacks.rows() {
        new.clear();
        new.extend(stacks.places(row.path).take_while(|&place| indices[place as usize].is_none()));
        for &place in new.iter().rev() {
            indices[place as usize] = Some(frames.insert_full(stacks.step(place)).0);
        }
    }
    let document = Document {
        facts: facts(profile),
        frames: Each(|| frames.iter().map(|&step| frame(stacks.show(step)))),
        stacks: Each(|| stacks.rows().iter().map(|row| Stack::new(stacks, row, &indices))),
    };
    serde_json::to_writer(&mut *out, &document)?;
    writeln!(out)
}

fn frame(frame: Shown<'_>) -> Value {
    let place = frame.location.and_then(|location| location.place);
    json!({
        "name": frame.name,
        "symbol": frame.symbol,
        "file": frame.file,
        "line": (frame.line > 0).then_some(frame.line),
        "address": frame.location.map(|location| location.address),
        "module": place.map(|place| place.module),
        "offset": place.map(|place| place.svma),
    })
}

/// A stack. The fields are in alphabetical order, like those of all other objects.
#[derive(Serialize)]
struct Stack {
    frames: Vec<Option<usize>>,
    tag: u32,
    thread: u32,
    values: [u64; Metric::ALL.len()],
}

impl Stack {
    fn new(stacks: &Stacks<'_>, row: &Row, indices: &[Option<usize>]) -> Self {
        let mut frames: Vec<_> = stacks.places(row.path).map(|place| indices[place as usize]).collect();
        frames.reverse();
        let values = Metric::ALL.map(|metric| metric.of(&row.figures));
        Stack { frames, tag: row.tag, thread: row.thread, values }
    }
}

fn facts(profile: &Profile) -> Value {
    json!({
        "version": VERSION,
        "shows": if profile.kind == Kind::Stage { "stage" } else { "program" },
        "time_ns": profile.time_ns,
        "program": info::program(&profile.program),
        "losses": info::losses(profile),
        "totals": info::totals(profile),
        "suppressed": profile.suppressed.iter().map(|one| json!({
            "name": one.name,
            "bytes": one.bytes,
            "blocks": one.blocks,
        })).collect::<Vec<_>>(),
        "threads": info::threads(profile),
        "stages": profile.stages.iter().map(info::stage).collect::<Vec<_>>(),
        "tags": info::tags(profile),
        "timeline": info::timeline(profile),
        "sizes": info::sizes(&profile.sizes),
        "modules": profile.modules.all().iter().map(|module| json!({
            "path": module.shown_path(),
            "build_id": hex(&module.build_id),
        })).collect::<Vec<_>>(),
        "metrics": Metric::ALL.map(|metric| metric.field()),
    })
}
