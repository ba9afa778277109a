//! Threads, tags and heaps of all dumps. Their ids differ between processes, so their names identify them.

use std::collections::HashMap;

use indexmap::IndexMap;
use memtrack_format::{Heap, SizeClass, TagName, Thread, ThreadState};

use crate::reader::Snapshot;

/// The thread id of size classes that cover the whole program.
const EVERYONE: u32 = u32::MAX;

/// The kind of threads without a record.
const NAMELESS: u8 = 3;

/// The identity of a thread: its kind, its name, and its index among the threads of that name in one dump.
type Identity = (u8, Vec<u8>, usize);

/// All threads, tags and heaps.
#[derive(Default)]
pub(super) struct Who<'d> {
    threads: IndexMap<Identity, Thread<'d>>,
    /// By outer tag and name; by the old id if the tag has no name.
    tags: IndexMap<(u32, &'d [u8], u32), u32>,
    /// By name; by the old id if the heap has no name.
    heaps: IndexMap<(&'d [u8], u32), u32>,
    sizes: IndexMap<(u32, u8), SizeClass>,
}

/// Translates the ids of one dump to those of the merged one.
#[derive(Default)]
pub(super) struct Ids {
    threads: HashMap<u32, u32>,
    tags: HashMap<u32, u32>,
    heaps: HashMap<u32, u32>,
}

impl Ids {
    pub(super) fn thread(&self, id: u32) -> u32 {
        self.threads.get(&id).copied().unwrap_or(0)
    }

    pub(super) fn tag(&self, id: u32) -> u32 {
        self.tags.get(&id).copied().unwrap_or(0)
    }

    pub(super) fn heap(&self, id: u32) -> u32 {
        self.heaps.get(&id).copied().unwrap_or(0)
    }
}

impl<'d> Who<'d> {
    /// Adds the threads, tags and heaps of a dump.
    pub(super) fn add(&mut self, snapshot: &Snapshot<'d>) -> Ids {
        let mut ids = Ids::default();
        let mut same: HashMap<(u8, &[u8]), usize> = HashMap::new();
        for thread in &snapshot.threads {
            let kind = kind(thread);
            let place = same.entry((kind, thread.name)).or_default();
            let identity = (kind, thread.name.to_vec(), *place);
            *place += 1;
            ids.threads.insert(thread.id, self.thread(identity, thread));
        }
        // A tag's parent has a lower id than the tag, but a damaged dump may have any order.
        let mut tags = snapshot.tags.clone();
        tags.sort_by_key(|tag| tag.id);
        for tag in &tags {
            let next = self.tags.len() as u32 + 1;
            let id = *self.tags.entry((ids.tag(tag.parent), tag.name, 0)).or_insert(next);
            ids.tags.insert(tag.id, id);
        }
        for heap in &snapshot.heaps {
            let next = self.heaps.len() as u32 + 1;
            ids.heaps.insert(heap.id, *self.heaps.entry((heap.name, 0)).or_insert(next));
        }
        self.add_nameless(snapshot, &mut ids);
        for size in &snapshot.sizes {
            let thread = if size.thread == EVERYONE { EVERYONE } else { ids.thread(size.thread) };
            let fresh = SizeClass { thread, class: size.class, allocs: 0, bytes: 0 };
            let sum = self.sizes.entry((thread, size.class)).or_insert(fresh);
            *sum = sum.plus(size);
        }
        ids
    }

    /// Adds the ids that cells refer to and that have no record, as in a damaged dump. They stay apart from
    /// all others.
    fn add_nameless(&mut self, snapshot: &Snapshot<'d>, ids: &mut Ids) {
        for cell in snapshot.cells.iter().filter(|cell| cell.id != 0) {
            if cell.tag != 0 {
                let next = self.tags.len() as u32 + 1;
                let fresh = || *self.tags.entry((0, b"", cell.tag)).or_insert(next);
                ids.tags.entry(cell.tag).or_insert_with(fresh);
            }
            if cell.heap != 0 {
                let next = self.heaps.len() as u32 + 1;
                let fresh = || *self.heaps.entry((b"", cell.heap)).or_insert(next);
                ids.heaps.entry(cell.heap).or_insert_with(fresh);
            }
            if cell.thread != 0 && !ids.threads.contains_key(&cell.thread) {
                let nameless = Thread { id: cell.thread, ..Thread::default() };
                let id = self.thread((NAMELESS, Vec::new(), cell.thread as usize), &nameless);
                ids.threads.insert(cell.thread, id);
            }
        }
    }

    fn thread(&mut self, identity: Identity, more: &Thread<'d>) -> u32 {
        // The unattributed thread has id 0 in every dump.
        let next = match identity.0 {
            0 => 0,
            _ => 1 + self.threads.keys().filter(|(kind, ..)| *kind != 0).count() as u32,
        };
        let fresh =
            Thread { id: next, name: more.name, state: more.state, os_id: more.os_id, ..Thread::default() };
        let sum = self.threads.entry(identity).or_insert(fresh);
        if sum.os_id != more.os_id {
            sum.os_id = 0;
        }
        if more.state == ThreadState::Running {
            sum.state = more.state;
        }
        sum.count = sum.count.saturating_add(more.count);
        sum.figures = sum.figures.plus(more.figures);
        if more.own_peak >= sum.own_peak {
            (sum.own_peak, sum.own_peak_blocks) = (more.own_peak, more.own_peak_blocks);
        }
        sum.id
    }

    pub(super) fn threads(&self) -> impl Iterator<Item = &Thread<'d>> {
        self.threads.iter().filter(|((kind, ..), _)| *kind != NAMELESS).map(|(_, thread)| thread)
    }

    pub(super) fn tags(&self) -> impl Iterator<Item = TagName<'_>> {
        let named = self.tags.iter().filter(|((_, _, old), _)| *old == 0);
        named.map(|(&(parent, name, _), &id)| TagName { id, parent, name })
    }

    pub(super) fn heaps(&self) -> impl Iterator<Item = Heap<'_>> {
        let named = self.heaps.iter().filter(|((_, old), _)| *old == 0);
        named.map(|(&(name, _), &id)| Heap { id, name })
    }

    pub(super) fn sizes(&self) -> impl Iterator<Item = &SizeClass> {
        self.sizes.values()
    }
}

/// The kind of a thread: 0 for the unattributed one, 1 for threads without a slot, 2 for all others.
fn kind(thread: &Thread<'_>) -> u8 {
    match thread.state {
        _ if thread.id == 0 => 0,
        ThreadState::Unattributed => 0,
        ThreadState::Overflow => 1,
        _ => 2,
    }
}
