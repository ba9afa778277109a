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
    let frames: IndexSet<Step> = stacks.rows().iter().flat_map(|row| &row.steps).copied().collect();
    let document = Document {
        facts: facts(profile),
        frames: Each(|| frames.iter().map(|&step| frame(stacks.show(step)))),
        stacks: Each(|| stacks.rows().iter().map(|one| row(one, &frames))),
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

fn row(row: &Row, frames: &IndexSet<Step>) -> Value {
    let indices: Vec<_> = row.steps.iter().map(|step| frames.get_index_of(step)).collect();
    json!({
        "frames": indices,
        "thread": row.thread,
        "tag": row.tag,
        "values": Metric::ALL.map(|metric| metric.of(&row.figures)),
    })
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
