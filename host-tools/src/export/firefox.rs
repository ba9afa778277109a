//! The format of the Firefox Profiler: <https://profiler.firefox.com> and `profiler-cli`.
//!
//! The profiler computes its call trees from events, and a dump has sums. So each stack gets one allocation of the bytes
//! that it retains, and one allocation with a free of the bytes that are gone. *Retained* is then the memory that is alive at
//! the end, or at the peak if the metric is of the peak. *Allocated* is all bytes. The times of the events are unknown:
//! bytes that are gone are at the beginning, and retained bytes at the end. Each thread is a thread in the profiler. The
//! timeline, if the dump has one, is a memory counter.

mod tables;

use std::collections::BTreeMap;
use std::io::{self, Write};

use memtrack_format::{Figures, TimePoint};
use serde_json::{Value, json};

use crate::profile::stacks::Row;
use crate::profile::{Metric, Moment, Profile, Stacks, View};
use tables::Tables;

/// The version of the format. The profiler upgrades older versions.
const VERSION: u32 = 48;

/// Writes the document.
///
/// # Errors
/// Returns an error if `out` fails.
pub fn write(
    stacks: &Stacks<'_>,
    profile: &Profile,
    view: &View,
    title: &str,
    out: &mut dyn Write,
) -> io::Result<()> {
    let mut by_thread: BTreeMap<u32, Vec<&Row>> = BTreeMap::new();
    stacks.rows().iter().for_each(|row| by_thread.entry(row.thread).or_default().push(row));
    let end_ms = profile.time_ns.max(1) as f64 / 1e6;
    let threads: Vec<Value> = by_thread
        .iter()
        .map(|(&id, rows)| {
            let known = profile.threads.iter().find(|thread| thread.id == id);
            let name = known.map_or_else(|| format!("thread #{id}"), |thread| thread.label.clone());
            self::thread(stacks, rows, profile, view, (id, &name), end_ms)
        })
        .collect();
    let program = &profile.program;
    let document = json!({
        "meta": {
            "interval": 1,
            "startTime": program.start_unix_ns as f64 / 1e6,
            "endTime": null,
            "processType": 0,
            "extensions": { "id": [], "name": [], "baseURL": [], "length": 0 },
            "categories": [{ "name": "Memory", "color": "green", "subcategories": ["Other"] }],
            "product": title,
            "stackwalk": 1,
            "version": 27,
            "preprocessedProfileVersion": VERSION,
            "importedFrom": concat!("memtrack-fold ", env!("CARGO_PKG_VERSION")),
            "platform": program.os.as_str(),
            "symbolicated": true,
            "markerSchema": [],
            "usesOnlyOneStackType": true,
            "arguments": program.command,
        },
        "libs": [],
        "counters": counters(profile),
        "threads": threads,
    });
    serde_json::to_writer(&mut *out, &document)?;
    writeln!(out)
}

fn thread(
    stacks: &Stacks<'_>,
    rows: &[&Row],
    profile: &Profile,
    view: &View,
    (id, name): (u32, &str),
    end_ms: f64,
) -> Value {
    let mut tables = Tables::default();
    let mut events = Events::default();
    for row in rows {
        let stack = tables.stack(stacks, row);
        let (retained, gone) = retained_and_gone(&row.figures, view.metric);
        events.retained.extend((retained > 0).then_some((retained, stack)));
        events.gone.extend((gone > 0).then_some((gone, stack)));
    }
    let mut value = json!({
        "processType": "default",
        "processStartupTime": 0,
        "processShutdownTime": end_ms,
        "registerTime": 0,
        "unregisterTime": end_ms,
        "pausedRanges": [],
        "name": name,
        "isMainThread": id <= 1,
        "processName": profile.program.name,
        "pid": profile.program.pid.to_string(),
        "tid": id,
        "samples": {
            "length": 0, "stack": [], "time": [], "weight": null, "weightType": "samples",
        },
        "nativeAllocations": events.value(end_ms, id),
        "markers": {
            "length": 0, "category": [], "data": [], "endTime": [], "name": [], "phase": [], "startTime": [],
        },
    });
    if let (Some(of), Value::Object(more)) = (value.as_object_mut(), tables.value()) {
        of.extend(more);
    }
    value
}

/// The bytes that are alive at the selected moment, and those that are gone by then.
fn retained_and_gone(figures: &Figures, metric: Metric) -> (u64, u64) {
    let retained = match metric.moment() {
        Moment::Peak => figures.peak,
        Moment::Run | Moment::End => figures.live,
    };
    (retained, figures.bytes.saturating_sub(retained))
}

/// Allocations and frees, paired by address.
#[derive(Default)]
struct Events {
    /// Bytes that are gone, with their stacks. Each is an allocation with its free.
    gone: Vec<(u64, Option<usize>)>,
    /// Bytes that are retained, with their stacks.
    retained: Vec<(u64, Option<usize>)>,
}

impl Events {
    /// The events: first allocations with their frees at the beginning, then the retained bytes at the end.
    fn value(&self, end_ms: f64, thread: u32) -> Value {
        let pairs = self.gone.iter().enumerate().flat_map(|(index, &(bytes, stack))| {
            [i128::from(bytes), -i128::from(bytes)].map(|weight| (0.0, weight, stack, index + 1))
        });
        let retained =
            self.retained.iter().enumerate().map(|(index, &(bytes, stack))| {
                (end_ms, i128::from(bytes), stack, self.gone.len() + index + 1)
            });
        let events: Vec<(f64, i128, Option<usize>, usize)> = pairs.chain(retained).collect();
        json!({
            "length": events.len(),
            "time": events.iter().map(|event| event.0).collect::<Vec<_>>(),
            // A double holds them exactly, up to eight petabytes.
            "weight": events.iter().map(|event| event.1 as f64).collect::<Vec<_>>(),
            "weightType": "bytes",
            "stack": events.iter().map(|event| event.2).collect::<Vec<_>>(),
            "memoryAddress": events.iter().map(|event| event.3).collect::<Vec<_>>(),
            "threadId": vec![thread; events.len()],
        })
    }
}

/// Live bytes over time, as changes.
fn counters(profile: &Profile) -> Vec<Value> {
    let points = &profile.timeline;
    if points.is_empty() {
        return Vec::new();
    }
    let before = std::iter::once(0).chain(points.iter().map(|point| point.live));
    let change = |(point, before): (&TimePoint, u64)| i128::from(point.live) - i128::from(before);
    let counts: Vec<f64> = points.iter().zip(before).map(change).map(|change| change as f64).collect();
    vec![json!({
        "name": "memtrack",
        "category": "Memory",
        "description": "Live bytes",
        "pid": profile.program.pid.to_string(),
        "mainThreadIndex": 0,
        "samples": {
            "length": points.len(),
            "time": points.iter().map(|point| point.time_ns as f64 / 1e6).collect::<Vec<_>>(),
            "count": counts,
        },
    })]
}
