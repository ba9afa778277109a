//! Distinguishes the trackers whose snapshots share a file.
//!
//! A file may hold the snapshots of several trackers of one process, and those of several programs that
//! replaced each other in that process. Ids of threads, nodes, cells, tags and heaps are valid only within
//! one tracker.
//!
//! Trackers that were in a process at the same time can be shown as one. Their ids must not collide, so each
//! tracker but the first has its ids moved: by its place among the trackers, times the largest number of ids
//! that a tracker can give.

use memtrack_format::{Config, List, Loss, Marks, Module, Node, Process, Target, Thread, ThreadState};

use super::snapshot::Snapshot;

/// A tracker of a process.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Tracker {
    /// Its process.
    pub pid: u32,
    /// When it started, in nanoseconds since 1970.
    pub start_unix_ns: u64,
    /// Numbers that distinguish the process and the tracker from others; all zero if the dump has none.
    pub process: Process,
    /// Its place among the trackers that were in the process at the same time.
    place: u32,
    /// Its number in the dump, from 1.
    number: usize,
}

/// The widths of ids, in bits.
const THREADS: u32 = 16;
const NODES: u32 = 24;
const CELLS: u32 = 24;
const TAGS: u32 = 16;
const HEAPS: u32 = 7;

impl Tracker {
    pub(super) fn of(target: &Target<'_>) -> Self {
        Tracker { pid: target.pid, start_unix_ns: target.start_unix_ns, ..Tracker::default() }
    }

    /// Its number in the dump, from 1.
    #[must_use]
    pub fn number(&self) -> usize {
        self.number
    }

    /// Whether both trackers were in one process at the same time.
    #[must_use]
    pub fn is_beside(&self, other: &Tracker) -> bool {
        let of = |tracker: &Tracker| (tracker.pid, tracker.process.started, tracker.process.image);
        self.is_same(other) || (self.process != Process::default() && of(self) == of(other))
    }

    fn is_same(&self, other: &Tracker) -> bool {
        let of = |tracker: &Tracker| (tracker.pid, tracker.start_unix_ns, tracker.process);
        of(self) == of(other)
    }

    fn moved(&self, id: u32, first: u32, bits: u32) -> u32 {
        if id < first { id } else { id.wrapping_add(self.place.wrapping_shl(bits)) }
    }

    /// A thread's id in the whole dump.
    pub(super) fn thread(&self, id: u32) -> u32 {
        // Two ids never move: 0 is the unattributed thread, and `u32::MAX` is the whole program.
        if id == u32::MAX { id } else { self.moved(id, 1, THREADS) }
    }

    /// A stage's scope in the whole dump: 0, or a thread's id + 1.
    pub(super) fn scope(&self, scope: u32) -> u32 {
        scope.checked_sub(1).map_or(0, |thread| self.thread(thread).wrapping_add(1))
    }

    /// Moves all ids of its snapshot to those of the whole dump.
    pub(super) fn renumber(&self, snapshot: &mut Snapshot<'_>) {
        if self.place == 0 {
            return;
        }
        let (node, tag) = (|id| self.moved(id, Node::FIRST, NODES), |id| self.moved(id, 1, TAGS));
        let heap = |id| self.moved(id, 1, HEAPS);
        snapshot.threads.iter_mut().for_each(|thread| thread.id = self.thread(thread.id));
        snapshot.sizes.iter_mut().for_each(|size| size.thread = self.thread(size.thread));
        for (id, of) in &mut snapshot.nodes {
            (*id, of.parent) = (node(*id), node(of.parent));
        }
        for cell in &mut snapshot.cells {
            cell.id = self.moved(cell.id, 1, CELLS);
            cell.thread = self.thread(cell.thread);
            (cell.stack, cell.tag, cell.heap) = (node(cell.stack), tag(cell.tag), heap(cell.heap));
        }
        for of in &mut snapshot.tags {
            (of.id, of.parent) = (tag(of.id), tag(of.parent));
        }
        snapshot.heaps.iter_mut().for_each(|of| of.id = heap(of.id));
        for stage in &mut snapshot.stages {
            stage.scope = self.scope(stage.scope);
            // The list is a slice of the dump, so its ids can't be moved.
            stage.threads = List::default();
        }
    }
}

/// Numbers and places the trackers, and returns each of them once.
pub(super) fn number<'t>(all: impl Iterator<Item = &'t mut Tracker>) -> Vec<Tracker> {
    let mut known: Vec<Tracker> = Vec::new();
    for tracker in all {
        let found = known.iter().find(|other| other.is_same(tracker)).copied();
        *tracker = found.unwrap_or_else(|| {
            let beside = known.iter().filter(|other| other.is_beside(tracker)).count();
            let place = u32::try_from(beside).unwrap_or(u32::MAX);
            known.push(Tracker { place, number: known.len() + 1, ..*tracker });
            known[known.len() - 1]
        });
    }
    known
}

/// Adds up the snapshots of two trackers of one process. Peaks are added as in a merged dump.
pub(super) fn sum<'a>(mut a: Snapshot<'a>, b: Snapshot<'a>) -> Snapshot<'a> {
    a.about = a.about.map(|about| memtrack_format::Snapshot {
        time_ns: about.time_ns.max(b.about.map_or(0, |other| other.time_ns)),
        ..about
    });
    a.config = a.config.zip(b.config).map(|(a, b)| Config {
        nodes: a.nodes.saturating_add(b.nodes),
        nodes_capacity: a.nodes_capacity.saturating_add(b.nodes_capacity),
        cells: a.cells.saturating_add(b.cells),
        cells_capacity: a.cells_capacity.saturating_add(b.cells_capacity),
        threads: a.threads.saturating_add(b.threads),
        threads_capacity: a.threads_capacity.saturating_add(b.threads_capacity),
        max_depth: a.max_depth.max(b.max_depth),
        stages: a.stages.saturating_add(b.stages),
        stages_capacity: a.stages_capacity.saturating_add(b.stages_capacity),
        tags: a.tags.saturating_add(b.tags),
        tags_capacity: a.tags_capacity.saturating_add(b.tags_capacity),
    });
    a.marks = a.marks.zip(b.marks).map(|(a, b)| Marks {
        peak_time_ns: if a.figures.peak < b.figures.peak { b.peak_time_ns } else { a.peak_time_ns },
        ..a.plus(&b)
    });
    modules(&mut a.modules, b.modules);
    unattributed(&mut a.threads, b.threads);
    let cell = b.cells.iter().find(|cell| cell.id == 0).copied();
    match (a.cells.iter_mut().find(|cell| cell.id == 0), cell) {
        (Some(a), Some(b)) => a.figures = a.figures.plus(b.figures),
        (None, Some(b)) => a.cells.push(b),
        _ => {}
    }
    a.cells.extend(b.cells.into_iter().filter(|cell| cell.id != 0));
    a.nodes.extend(b.nodes);
    a.nodes.sort_by_key(|&(id, _)| id);
    a.stages.extend(b.stages);
    a.tags.extend(b.tags);
    a.heaps.extend(b.heaps);
    a.sizes.extend(b.sizes);
    b.losses.into_iter().for_each(|loss| add_loss(&mut a.losses, loss));
    // Points of two trackers have no common times: the timeline is that of the tracker with the higher peak.
    if a.timeline.iter().map(|point| point.high).max() < b.timeline.iter().map(|point| point.high).max() {
        a.timeline = b.timeline;
    }
    a
}

/// Adds the modules that are not known yet: one tracker may have recorded fewer.
fn modules<'a>(all: &mut Vec<Module<'a>>, more: Vec<Module<'a>>) {
    for module in more {
        if !all.iter().any(|known| (known.path, known.bias) == (module.path, module.bias)) {
            all.push(module);
        }
    }
}

fn unattributed<'a>(all: &mut Vec<Thread<'a>>, more: Vec<Thread<'a>>) {
    let is_nobody = |thread: &Thread<'_>| thread.id == 0 && thread.state == ThreadState::Unattributed;
    for thread in more {
        match all.iter_mut().find(|known| is_nobody(known) && is_nobody(&thread)) {
            Some(known) => known.figures = known.figures.plus(thread.figures),
            None => all.push(thread),
        }
    }
}

/// Adds a loss to those of the same cause.
pub(crate) fn add_loss(all: &mut Vec<Loss>, more: Loss) {
    match all.iter_mut().find(|known| known.cause == more.cause) {
        Some(known) => known.events = known.events.saturating_add(more.events),
        None => all.push(more),
    }
}
