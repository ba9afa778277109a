//! DHAT's JSON, version 2, for valgrind's `dh_view.html` and the Firefox Profiler.
//!
//! A dump has figures for the peak and for the end, but no lifetimes of blocks: these are 0. It does not have the maximum
//! of each stack either. The larger of the values at the peak and at the end takes its place.

use std::collections::HashMap;
use std::io::{self, Write};

use indexmap::IndexSet;
use memtrack_format::Figures;
use serde::Serialize;
use serde_json::{Value, json};

use super::each::Each;
use crate::profile::stacks::Shown;
use crate::profile::{Profile, Stacks, Step};

/// The document.
#[derive(Serialize)]
struct Document<P> {
    #[serde(flatten)]
    facts: Value,
    #[serde(rename = "pps")]
    points: P,
}

/// Writes the document.
///
/// # Errors
/// Returns an error if `out` fails.
pub fn write(stacks: &Stacks<'_>, profile: &Profile, out: &mut dyn Write) -> io::Result<()> {
    // Frame 0 is the root.
    let mut names = IndexSet::from(["[root]".to_string()]);
    let mut frames: HashMap<Step, usize> = HashMap::new();
    for step in stacks.rows().iter().flat_map(|row| stacks.innermost_first(row)) {
        frames.entry(step).or_insert_with(|| names.insert_full(frame(stacks.show(step))).0);
    }
    let peak_time = profile.marks.map_or(0, |marks| marks.peak_time_ns);
    let facts = json!({
        "dhatFileVersion": 2,
        "mode": "memtrack",
        "verb": "Allocated",
        "bklt": true,
        "bkacc": false,
        "bu": "byte",
        "bsu": "bytes",
        "bksu": "blocks",
        "tu": "µs",
        "Mtu": "s",
        "tuth": 10,
        "cmd": if profile.program.command.is_empty() { &profile.program.name } else { &profile.program.command },
        "pid": profile.program.pid,
        "tg": peak_time / 1000,
        // The viewer divides by this.
        "te": (profile.time_ns.max(peak_time) / 1000).max(1),
        "ftbl": Vec::from_iter(names),
    });
    let points = Each(|| {
        stacks.rows().iter().map(|row| {
            // The innermost frame is first.
            let indices: Vec<usize> = stacks.innermost_first(row).map(|step| frames[&step]).collect();
            point(&row.figures, &indices)
        })
    });
    serde_json::to_writer(&mut *out, &Document { facts, points })?;
    writeln!(out)
}

fn point(figures: &Figures, frames: &[usize]) -> Value {
    let (most, most_blocks) = (figures.peak, figures.peak_blocks).max((figures.live, figures.live_blocks));
    json!({
        "tb": figures.bytes, "tbk": figures.allocs, "tl": 0,
        "mb": most, "mbk": most_blocks,
        "gb": figures.peak, "gbk": figures.peak_blocks,
        "eb": figures.live, "ebk": figures.live_blocks,
        "fs": frames,
    })
}

/// `0x1234: function (file:line)`, as in valgrind.
fn frame(frame: Shown<'_>) -> String {
    let address = frame.location.map_or(0, |location| location.address);
    match frame.file {
        Some(file) => format!("{address:#x}: {} ({file}:{})", frame.name, frame.line),
        None => format!("{address:#x}: {}", frame.name),
    }
}
