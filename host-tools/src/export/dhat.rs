//! DHAT's JSON, version 2: opened by `dh_view.html` of valgrind, and by the Firefox Profiler.
//!
//! A dump tells what stood at the peak and at the end, but not how long blocks lived: lifetimes are 0. The highest
//! value of a single stack is not known either; the larger of its values at the peak and at the end stands for it.

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
/// When `out` fails.
pub fn write(stacks: &Stacks<'_>, profile: &Profile, out: &mut dyn Write) -> io::Result<()> {
    // Frame 0 stands for the outside.
    let mut names = IndexSet::from(["[root]".to_string()]);
    let mut frames: HashMap<Step, usize> = HashMap::new();
    for &step in stacks.rows().iter().flat_map(|row| row.steps.iter().rev()) {
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
        // It divides by this.
        "te": (profile.time_ns.max(peak_time) / 1000).max(1),
        "ftbl": Vec::from_iter(names),
    });
    let points = Each(|| {
        stacks.rows().iter().map(|row| {
            // Innermost first.
            let indices: Vec<usize> = row.steps.iter().rev().map(|step| frames[step]).collect();
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

/// `0x1234: function (file:line)`, as valgrind writes it.
fn frame(frame: Shown<'_>) -> String {
    let address = frame.location.map_or(0, |location| location.address);
    match frame.file {
        Some(file) => format!("{address:#x}: {} ({file}:{})", frame.name, frame.line),
        None => format!("{address:#x}: {}", frame.name),
    }
}
