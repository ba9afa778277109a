//! `info` for programs. Fields are only ever added.

use memtrack_format::Figures;
use serde_json::{Map, Value, json};

use super::{Info, entry_words, lists, module_of, tables};
use crate::clean::clean;
use crate::loss;
use crate::profile::{Metric, Profile, Program, Size, Stage, Thread};
use crate::units::hex;
use crate::warnings::reason;

/// The version of this format.
const VERSION: u32 = 1;

/// The contents as JSON.
#[must_use]
pub fn value(info: &Info<'_>) -> Value {
    let profile = info.profile;
    let with_cells = lists::with_cells(info.dump);
    json!({
        "version": VERSION,
        "losses": losses(profile),
        "warnings": info.warnings,
        "damage": info.dump.damage().iter().map(|damage| json!({
            "offset": damage.offset,
            "length": damage.length,
        })).collect::<Vec<_>>(),
        "program": program(&profile.program),
        "totals": totals(profile),
        "inherited": profile.forked_from.map(|parent| json!({
            "parent_pid": parent,
            "figures": figures(&profile.inherited()),
        })),
        "tables": profile.config.iter().flat_map(tables).map(|(name, used, capacity)| json!({
            "table": name,
            "used": used,
            "capacity": capacity,
        })).collect::<Vec<_>>(),
        "threads": threads(profile),
        "stages": profile.stages.iter().map(|stage| {
            let mut value = self::stage(stage);
            value["cells"] = lists::has_cells(stage, &with_cells).into();
            value
        }).collect::<Vec<_>>(),
        "tags": tags(profile),
        "heaps": heaps(profile),
        "timeline": timeline(profile),
        "sizes": sizes(&profile.sizes),
        "modules": modules(info),
        "snapshots": snapshots(info),
        "trackers": info.dump.trackers().iter().map(|tracker| json!({
            "number": tracker.number(),
            "pid": tracker.pid,
            "start_unix_ns": tracker.start_unix_ns,
            "address": tracker.process.tracker,
            "module": module_of(info, tracker),
        })).collect::<Vec<_>>(),
        "shown": info.selected.index,
        "time_ns": profile.time_ns,
        "addresses_outside_modules": profile.symbols.outside,
    })
}

pub(crate) fn program(program: &Program) -> Value {
    json!({
        "name": program.name,
        "command": program.command,
        "pid": program.pid,
        "parent_pid": program.parent_pid,
        "start_unix_ns": program.start_unix_ns,
        "arch": program.arch.as_str(),
        "os": program.os.as_str(),
        "pointer_width": program.pointer_width,
        "big_endian": program.big_endian,
        "unwinder": program.unwinder,
    })
}

pub(crate) fn losses(profile: &Profile) -> Vec<Value> {
    let losses = profile.losses.iter();
    losses
        .map(|loss| {
            json!({
                "cause": loss.cause.as_str(),
                "code": loss.cause.code(),
                "events": loss.events,
                "text": loss::text(loss),
            })
        })
        .collect()
}

pub(crate) fn totals(profile: &Profile) -> Option<Map<String, Value>> {
    let marks = profile.marks?;
    let mut totals = figures(&marks.figures);
    for (name, value) in [
        ("frees", marks.frees),
        ("failed_allocs", marks.failed_allocs),
        ("peak_time_ns", marks.peak_time_ns),
        ("peak_error", marks.peak_error),
        ("mark_error", marks.mark_error),
    ] {
        totals.insert(name.into(), value.into());
    }
    Some(totals)
}

pub(crate) fn threads(profile: &Profile) -> Vec<Value> {
    profile.threads.iter().map(thread).collect()
}

fn figures(figures: &Figures) -> Map<String, Value> {
    let named = Metric::ALL.map(|metric| (metric.field(), metric.of(figures).into()));
    named.into_iter().chain([("reallocs".into(), figures.reallocs.into())]).collect()
}

fn thread(thread: &Thread) -> Value {
    json!({
        "id": thread.id,
        "os_id": thread.os_id,
        "name": thread.name,
        "label": thread.label,
        "state": thread.state.as_str(),
        "count": thread.count,
        "figures": figures(&thread.figures),
        "own_peak": thread.own_peak,
        "own_peak_blocks": thread.own_peak_blocks,
        "sizes": sizes(&thread.sizes),
    })
}

pub(crate) fn stage(stage: &Stage) -> Value {
    let figures = &stage.figures;
    json!({
        "name": stage.name,
        "depth": figures.depth,
        "thread": figures.scope.checked_sub(1),
        "running": figures.running,
        "runs": figures.runs,
        "duration_ns": figures.duration_ns,
        "begin_ns": figures.begin_ns,
        "end_ns": figures.end_ns,
        "allocs": figures.allocs,
        "bytes": figures.bytes,
        "live_before": figures.live_before,
        "live_after": figures.live_after,
        "peak": figures.peak,
        "peak_blocks": figures.peak_blocks,
        "peak_time_ns": figures.peak_time_ns,
        "lost": figures.lost,
        "threads": stage.threads.iter().map(|of| json!({ "thread": of.thread, "peak": of.peak })).collect::<Vec<_>>(),
    })
}

/// The tags, each with the figures under itself, without those under tags inside of it.
pub(crate) fn tags(profile: &Profile) -> Vec<Value> {
    let mut tags: Vec<_> = profile.tags.iter().collect();
    tags.sort();
    let tag = |(&id, (parent, name)): (&u32, &(u32, String))| {
        let of = profile.sum(|sample| sample.tag == id);
        json!({ "id": id, "parent": parent, "name": name, "figures": figures(&of) })
    };
    tags.into_iter().map(tag).collect()
}

fn heaps(profile: &Profile) -> Vec<Value> {
    let mut heaps: Vec<_> = profile.heaps.iter().collect();
    heaps.sort();
    let heap = |(&id, name): (&u32, &String)| {
        let of = profile.sum(|sample| sample.heap == id);
        json!({ "id": id, "name": name, "figures": figures(&of) })
    };
    heaps.into_iter().map(heap).collect()
}

/// The points. Each has a time, the highest live bytes since the previous point, and the live bytes at that time.
pub(crate) fn timeline(profile: &Profile) -> Vec<Value> {
    profile.timeline.iter().map(|point| json!([point.time_ns, point.high, point.live])).collect()
}

pub(crate) fn sizes(sizes: &[Size]) -> Vec<Value> {
    let size = |size: &Size| json!({ "class": size.class, "allocs": size.allocs, "bytes": size.bytes });
    sizes.iter().map(size).collect()
}

fn modules(info: &Info<'_>) -> Vec<Value> {
    let sources = info.profile.symbols.sources();
    let all = info.profile.modules.all().iter().zip(sources);
    all.map(|(module, source)| {
        json!({
            "path": module.shown_path(),
            "build_id": hex(&module.build_id),
            "bias": module.bias,
            "unloaded": module.unloaded,
            "addresses": source.addresses,
            "unnamed": source.unnamed,
            "file": source.path.as_ref().map(|path| clean(&path.to_string_lossy())),
            "debug_info": source.debug_info,
            "forced": source.forced,
            "unproven": source.path.is_some() && source.doubt.is_some(),
            "missing": source.missing.as_ref().map(|_| reason(source)),
        })
    })
    .collect()
}

fn snapshots(info: &Info<'_>) -> Vec<Value> {
    let entries = info.dump.entries().iter();
    entries
        .map(|entry| {
            let (kind, cause, stage) = entry_words(entry);
            json!({
                "kind": kind,
                "cause": cause,
                "stage": stage,
                "sequence": entry.about.map(|about| about.sequence),
                "time_ns": entry.about.map(|about| about.time_ns),
                "complete": entry.complete,
                "tracker": entry.tracker().number(),
            })
        })
        .collect()
}
