//! The format of <https://www.speedscope.app>: a profile for each metric, beginning with the selected one.

use std::collections::HashMap;
use std::io::{self, Write};

use indexmap::IndexSet;
use serde::Serialize;
use serde_json::{Value, json};

use super::each::Each;
use crate::profile::{Metric, Stacks, Step, View};

/// The document.
#[derive(Serialize)]
struct Document<P> {
    #[serde(flatten)]
    facts: Value,
    profiles: P,
}

/// One metric.
#[derive(Serialize)]
struct Sampled<S, W> {
    #[serde(flatten)]
    facts: Value,
    samples: S,
    weights: W,
}

/// Writes the document.
///
/// # Errors
/// Returns an error if `out` fails.
pub fn write(stacks: &Stacks<'_>, title: &str, view: &View, out: &mut dyn Write) -> io::Result<()> {
    // A function is the same frame in all stacks, because speedscope adds up by frame.
    let mut frames: IndexSet<(&str, Option<&str>)> = IndexSet::new();
    let mut places: HashMap<Step, usize> = HashMap::new();
    for step in stacks.rows().iter().flat_map(|row| stacks.steps(row)) {
        places.entry(step).or_insert_with(|| {
            let frame = stacks.show(step);
            frames.insert_full((frame.name, frame.file)).0
        });
    }
    let facts = json!({
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
    });
    let profiles = Each(|| Metric::ALL.iter().map(|&metric| profile(stacks, &places, metric)));
    serde_json::to_writer(&mut *out, &Document { facts, profiles })?;
    writeln!(out)
}

fn profile(stacks: &Stacks<'_>, places: &HashMap<Step, usize>, metric: Metric) -> impl Serialize {
    let counted = move || stacks.rows().iter().filter(move |row| metric.of(&row.figures) > 0);
    let facts = json!({
        "type": "sampled",
        "name": metric.title(),
        "unit": if metric.is_bytes() { "bytes" } else { "none" },
        "startValue": 0,
        "endValue": stacks.total(metric),
    });
    let frames = |steps: &[Step]| steps.iter().map(|step| places[step]).collect::<Vec<_>>();
    Sampled {
        facts,
        samples: Each(move || counted().map(move |row| frames(&stacks.steps(row)))),
        weights: Each(move || counted().map(move |row| metric.of(&row.figures))),
    }
}
