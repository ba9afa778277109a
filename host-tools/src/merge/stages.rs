//! Stages by name: sums over all dumps, and one snapshot of each stage, from the run with the highest peak.

use indexmap::IndexMap;
use memtrack_format::{Stage, ThreadPeak};

use super::part::Part;
use super::who::Ids;
use crate::clean::clean_bytes;
use crate::reader::Snapshot;
use crate::select;

/// Snapshots of stages: one for each name, of the process and of each thread.
pub(super) struct Stages<'d> {
    /// The index of the dump, and the snapshot.
    snapshots: Vec<(usize, Snapshot<'d>)>,
}

/// A stage with its list of threads, which have the ids of the merged dump.
pub(super) struct Summed<'d> {
    pub(super) stage: Stage<'d>,
    pub(super) threads: Vec<ThreadPeak>,
}

impl<'d> Stages<'d> {
    /// Selects for each stage the snapshot with the highest peak in all dumps.
    pub(super) fn highest(parts: &[Part<'d>], ids: &[Ids]) -> Self {
        let mut best: IndexMap<(String, u32), (u64, usize, usize)> = IndexMap::new();
        for (part, (of, ids)) in parts.iter().zip(ids).enumerate() {
            for selected in select::stages_of_threads(of.dump) {
                let Some(head) = of.dump.entries()[selected.index].stage else { continue };
                let found = (head.peak, part, selected.index);
                let one = best.entry((clean_bytes(head.name), scope(head.scope, ids))).or_insert(found);
                if head.peak > one.0 {
                    *one = found;
                }
            }
        }
        let snapshots =
            best.into_values().map(|(_, part, index)| (part, parts[part].dump.snapshot(index))).collect();
        Stages { snapshots }
    }

    pub(super) fn snapshots(&self) -> &[(usize, Snapshot<'d>)] {
        &self.snapshots
    }
}

/// The stages of all programs. Counters are sums; live figures, peak and times are those of the dump with the
/// highest peak.
pub(super) fn sums<'d>(programs: &[Snapshot<'d>], ids: &[Ids]) -> Vec<Summed<'d>> {
    let mut all: IndexMap<(&[u8], u32, u32), Summed<'d>> = IndexMap::new();
    for (snapshot, ids) in programs.iter().zip(ids) {
        for record in &snapshot.stages {
            let more = renamed(record, ids);
            let key = (record.name, record.depth, more.stage.scope);
            match all.get_mut(&key) {
                None => _ = all.insert(key, more),
                Some(sum) => add(sum, more),
            }
        }
    }
    all.into_values().collect()
}

/// A stage with the ids of the merged dump.
pub(super) fn renamed<'d>(record: &Stage<'d>, ids: &Ids) -> Summed<'d> {
    let scope = scope(record.scope, ids);
    let threads = record.threads.iter();
    let threads = threads.map(|of| ThreadPeak { thread: ids.thread(of.thread), ..of }).collect();
    Summed { stage: Stage { scope, ..*record }, threads }
}

fn scope(scope: u32, ids: &Ids) -> u32 {
    scope.checked_sub(1).map_or(0, |thread| ids.thread(thread).saturating_add(1))
}

fn add(sum: &mut Summed<'_>, more: Summed<'_>) {
    let runs = sum.stage.runs.saturating_add(more.stage.runs);
    let duration_ns = sum.stage.duration_ns.saturating_add(more.stage.duration_ns);
    let allocs = sum.stage.allocs.saturating_add(more.stage.allocs);
    let bytes = sum.stage.bytes.saturating_add(more.stage.bytes);
    let lost = sum.stage.lost.saturating_add(more.stage.lost);
    let running = sum.stage.running || more.stage.running;
    if more.stage.peak > sum.stage.peak {
        let name = sum.stage.name;
        sum.stage = Stage { name, threads: memtrack_format::List::default(), ..more.stage };
        sum.threads = more.threads;
    }
    sum.stage = Stage { runs, duration_ns, allocs, bytes, lost, running, ..sum.stage };
}
