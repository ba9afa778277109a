//! <https://www.speedscope.app>: one profile for each metric, the chosen one in front.

use std::io::{self, Write};

use indexmap::IndexSet;
use serde_json::{Value, json};

use crate::profile::{Metric, Stacks, View};

/// Writes the document.
///
/// # Errors
/// When `out` fails.
pub fn write(stacks: &Stacks<'_>, title: &str, view: &View, out: &mut dyn Write) -> io::Result<()> {
    // A function is one frame wherever it is called: speedscope sums by frame.
    let mut frames: IndexSet<(&str, Option<&str>)> = IndexSet::new();
    let rows: Vec<Vec<usize>> = stacks
        .rows()
        .iter()
        .map(|row| {
            let shown = row.steps.iter().map(|&step| stacks.show(step));
            shown.map(|frame| frames.insert_full((frame.name, frame.file)).0).collect()
        })
        .collect();
    let profiles: Vec<Value> = Metric::ALL.iter().map(|&metric| profile(stacks, &rows, metric)).collect();
    let document = json!({
        "$schema": "https://www.speedscope.app/file-format-schema.json",
        "exporter": concat!("memtrack-fold ", env!("CARGO_PKG_VERSION")),
        "name": title,
        "activeProfileIndex": Metric::ALL.iter().position(|&metric| metric == view.metric),
        "shared": {
            "frames": frames.iter().map(|&(name, file)| match file {
                Some(file) => json!({ "name": name, "file": file }),
                None => json!({ "name": name }),
            }).collect::<Vec<_>>(),
        },
        "profiles": profiles,
    });
    serde_json::to_writer(&mut *out, &document)?;
    writeln!(out)
}

fn profile(stacks: &Stacks<'_>, rows: &[Vec<usize>], metric: Metric) -> Value {
    let counted = stacks.rows().iter().zip(rows).map(|(row, frames)| (metric.of(&row.figures), frames));
    let (weights, samples): (Vec<u64>, Vec<&Vec<usize>>) = counted.filter(|&(value, _)| value > 0).unzip();
    json!({
        "type": "sampled",
        "name": metric.title(),
        "unit": if metric.unit() == "bytes" { "bytes" } else { "none" },
        "startValue": 0,
        "endValue": weights.iter().sum::<u64>(),
        "samples": samples,
        "weights": weights,
    })
}
