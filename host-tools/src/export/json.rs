//! Everything about every stack, for programs. Fields are only ever added.
//!
//! `frames` holds each frame once; `stacks` name them by index, outermost first, with the thread's and the tag's id
//! (0 for none) and one value for each of `metrics`.

use std::io::{self, Write};

use indexmap::IndexMap;
use memtrack_format::Kind;
use serde_json::{Value, json};

use crate::info::json as info;
use crate::profile::stacks::Row;
use crate::profile::{Metric, Profile, Stacks};
use crate::symbolize::hex;

/// The version of this description.
const VERSION: u32 = 1;

/// Writes the document.
///
/// # Errors
/// When `out` fails.
pub fn write(stacks: &Stacks<'_>, profile: &Profile, out: &mut dyn Write) -> io::Result<()> {
    let mut frames = IndexMap::new();
    let rows: Vec<Value> = stacks.rows().iter().map(|row| self::row(row, &mut frames)).collect();
    let modules = profile.modules.all();
    let frames: Vec<Value> = frames
        .keys()
        .map(|&step| {
            let frame = stacks.show(step);
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
        })
        .collect();
    let document = json!({
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
        "modules": modules.iter().map(|module| json!({
            "path": module.shown_path(),
            "build_id": hex(&module.build_id),
        })).collect::<Vec<_>>(),
        "metrics": Metric::ALL.map(|metric| metric.name().replace('-', "_")),
        "frames": frames,
        "stacks": rows,
    });
    serde_json::to_writer(&mut *out, &document)?;
    writeln!(out)
}

fn row(row: &Row, frames: &mut IndexMap<crate::profile::Step, ()>) -> Value {
    let indices: Vec<usize> = row.steps.iter().map(|&step| frames.insert_full(step, ()).0).collect();
    json!({
        "frames": indices,
        "thread": row.thread,
        "tag": row.tag,
        "values": Metric::ALL.map(|metric| metric.of(&row.figures)),
    })
}
