//! Encodes the content of an image as a dump, record by record.

use std::collections::HashMap;

use memtrack_format::image::Memory;
use memtrack_format::image::header::{Header, Table};
use memtrack_format::image::key::{self, CellKey, OVERFLOW_SLOT, SlotState, UNATTRIBUTED_SLOT};
use memtrack_format::image::records::{self, Account, Active};
use memtrack_format::image::rules::Mark;
use memtrack_format::{
    Arch, Cell, Config, EncodeError, Encoder, Figures, Heap, Kind, List, Loss, LossCause, Marks, Node, Os,
    Record, Sink, SizeClass, Snapshot, Stage, TagName, Target, Thread, ThreadPeak, ThreadState, TimePoint,
};

use super::annex::Annex;
use super::peaks::{self, Peaks};
use super::tables::Tables;

/// The encoder's buffer. The longest path fits.
const BUFFER: usize = 64 << 10;

struct Bytes(Vec<u8>);

impl Sink for Bytes {
    type Error = std::convert::Infallible;

    fn write(&mut self, bytes: &[u8]) -> Result<(), Self::Error> {
        self.0.extend_from_slice(bytes);
        Ok(())
    }
}

fn key_of(cell: &Account) -> CellKey {
    CellKey::from_labels(cell.own.label, cell.remote.label)
}

/// A name padded with zeros.
fn until_zero(bytes: &[u8]) -> &[u8] {
    bytes.split(|&byte| byte == 0).next().unwrap_or_default()
}

struct Writer<'i> {
    header: &'i Header,
    memory: Memory<'i>,
    tables: &'i Tables,
    peaks: Peaks<'i>,
    /// The end of the image, in nanoseconds since the tracker's start.
    now: u64,
    to: Encoder<Bytes, BUFFER>,
}

/// Encodes the dump. `now` is the end of the image in nanoseconds since 1970.
pub(super) fn dump(
    header: &Header,
    memory: Memory<'_>,
    tables: &Tables,
    annex: &Annex<'_>,
    now: Option<u64>,
) -> Vec<u8> {
    let Ok(to) = Encoder::new(Bytes(Vec::new()));
    let peaks = Peaks::new(header.machine, tables);
    let elapsed =
        now.and_then(|now| now.checked_sub(tables.head.start_unix).filter(|_| tables.head.start_unix > 0));
    let now = elapsed.unwrap_or_else(|| last_time(tables));
    let mut writer = Writer { header, memory, tables, peaks, now, to };
    writer.program(annex);
    writer.threads();
    writer.names();
    writer.stages();
    for (id, node) in &tables.nodes {
        let _ = writer.to.node(*id, Node { parent: node.parent, address: node.address });
    }
    let of_cells = writer.cells();
    writer.marks(of_cells);
    for (cause, events) in writer.losses() {
        writer.record(&Loss { cause, events });
    }
    match writer.to.finish() {
        Ok(Bytes(bytes)) => bytes,
        Err(EncodeError::Sink(never)) => match never {},
        // The encoder writes a short record last, which always fits.
        Err(EncodeError::RecordTooLarge) => Vec::new(),
    }
}

/// The latest time in the tables.
fn last_time(tables: &Tables) -> u64 {
    let finished = tables.finished.iter().map(|stage| stage.end_ns);
    let active = tables.active.iter().map(|stage| stage.begin.time_ns);
    let points = tables.timeline.iter().map(|point| point.time_ns);
    finished.chain(active).chain(points).chain(tables.head.peak_time).max().unwrap_or(0)
}

impl<'i> Writer<'i> {
    fn losses(&self) -> impl Iterator<Item = (LossCause, u64)> + use<'i> {
        let events = self.tables.head.losses.iter(self.memory, self.header.counts);
        (0..=u8::MAX).map(LossCause::from_code).zip(events).filter(|&(_, events)| events > 0)
    }

    /// Writes a record. A record can only be too large when a forged recording has an overlong name: it is
    /// dropped.
    fn record<'a, R: Record<'a>>(&mut self, record: &R) {
        let _ = self.to.record(record);
    }

    fn program(&mut self, annex: &Annex<'_>) {
        let (header, head) = (self.header, &self.tables.head);
        let cause = memtrack_format::Cause::Request;
        self.record(&Snapshot { kind: Kind::Program, cause, sequence: head.snapshots, time_ns: self.now });
        let target = Target {
            arch: Arch::from_code(header.arch),
            pointer_width: header.machine.pointer as u8,
            big_endian: header.machine.big_endian,
            os: Os::from_code(header.os),
            start_unix_ns: head.start_unix,
            unwinder: until_zero(&header.unwinder),
            ..annex.target.unwrap_or_default()
        };
        self.record(&target);
        annex.process.iter().for_each(|process| self.record(process));
        annex.fork.iter().for_each(|fork| self.record(fork));
        let tables = self.tables;
        let number = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        let capacity = |table: Table| header.places[table as usize].capacity;
        self.record(&Config {
            nodes: tables.use_of_nodes.used,
            nodes_capacity: tables.use_of_nodes.capacity,
            cells: tables.use_of_cells.used,
            cells_capacity: tables.use_of_cells.capacity,
            threads: tables.use_of_slots.used,
            threads_capacity: tables.use_of_slots.capacity,
            max_depth: header.depth,
            stages: number(tables.finished.len()),
            stages_capacity: capacity(Table::Finished),
            tags: number(tables.tags.len()),
            tags_capacity: capacity(Table::Tags),
        });
        for module in &annex.modules {
            self.record(module);
        }
    }

    fn threads(&mut self) {
        let held = self.held_by_thread();
        for (id, slot) in &self.tables.slots {
            let state = match *id {
                UNATTRIBUTED_SLOT => ThreadState::Unattributed,
                OVERFLOW_SLOT => ThreadState::Overflow,
                _ => SlotState::from_word(slot.state).into(),
            };
            let (own_peak, own_peak_blocks) = self.peaks.thread_peak(slot);
            let name: [u8; key::THREAD_NAME_BYTES] = key::to_bytes(slot.name);
            let Figures { peak, peak_blocks, .. } = held.get(id).copied().unwrap_or_default();
            self.record(&Thread {
                id: *id,
                os_id: slot.os_id,
                state,
                count: slot.count,
                name: until_zero(&name),
                figures: Figures { peak, peak_blocks, ..self.peaks.figures(&slot.account, Mark::Program) },
                own_peak,
                own_peak_blocks,
            });
        }
        for (thread, slot) in &self.tables.slots {
            let sizes = slot.sizes.iter(self.memory, self.header.counts);
            for (class, size) in (0..=u8::MAX).zip(sizes).filter(|(_, size)| size.allocs > 0) {
                let (allocs, bytes) = (size.allocs, size.bytes);
                self.record(&SizeClass { thread: *thread, class, allocs, bytes });
            }
        }
        for point in &self.tables.timeline {
            self.record(&TimePoint { time_ns: point.time_ns, high: point.high, live: point.live });
        }
    }

    /// The figures of each thread at the program's peak: the sums over its cells, as a tracker writes them.
    fn held_by_thread(&self) -> HashMap<u32, Figures> {
        let mut held = HashMap::new();
        for (_, account) in &self.tables.cells {
            let sum: &mut Figures = held.entry(key_of(account).thread.into()).or_default();
            *sum = sum.plus(self.peaks.figures(account, Mark::Program));
        }
        held
    }

    fn names(&mut self) {
        for &(id, ref tag) in &self.tables.tags {
            self.record(&TagName { id, parent: tag.parent, name: key::text(&key::to_bytes(tag.name)) });
        }
        for &(id, ref heap) in &self.tables.heaps {
            self.record(&Heap { id, name: key::text(&key::to_bytes(heap.name)) });
        }
    }

    fn stages(&mut self) {
        for stage in &self.tables.finished {
            let listed = stage.threads.iter(self.memory, self.header.counts).take(stage.listed as usize);
            let threads: Vec<_> =
                listed.map(|of| ThreadPeak { thread: of.thread.into(), peak: of.peak }).collect();
            self.record(&finished(stage, &threads));
        }
        for active in &self.tables.active {
            let threads = self.thread_peaks(active);
            let stage = self.running(active, &threads);
            self.record(&stage);
        }
    }

    /// The threads of a running stage with the highest peaks.
    fn thread_peaks(&self, active: &Active) -> Vec<ThreadPeak> {
        let so_far = (0..).zip(active.threads.iter(self.memory, self.header.counts));
        let mut threads: Vec<_> = so_far.map(|(thread, peak)| ThreadPeak { thread, peak }).collect();
        for (id, slot) in &self.tables.slots {
            if let Some(thread) = threads.get_mut(*id as usize) {
                thread.peak = self.peaks.thread_stage_peak(slot).max(thread.peak);
            }
        }
        threads.retain(|thread| thread.peak > 0);
        threads.sort_by_key(|thread| std::cmp::Reverse(thread.peak));
        threads.truncate(self.header.counts.top_threads);
        threads
    }

    /// A running stage, with its figures at the end of the image.
    fn running<'s>(&self, active: &'s Active, threads: &'s [ThreadPeak]) -> Stage<'s> {
        let now = self.totals(Mark::Stage);
        let current = records::Peak {
            bytes: self.peaks.peak(Mark::Stage),
            blocks: now.peak_blocks,
            time_ns: self.peaks.peak_time(Mark::Stage, self.now),
        };
        let peak = if current.bytes > active.peak.bytes { current } else { active.peak };
        let lost = self.losses().fold(0u64, |sum, (_, events)| sum.wrapping_add(events));
        Stage {
            name: key::text(&active.name),
            scope: 0,
            depth: active.depth,
            running: true,
            runs: 1,
            duration_ns: self.now.saturating_sub(active.begin.time_ns),
            begin_ns: active.begin.time_ns,
            end_ns: self.now,
            allocs: now.allocs.saturating_sub(active.begin.allocs),
            bytes: now.bytes.saturating_sub(active.begin.bytes),
            lost: lost.saturating_sub(active.begin.lost),
            live_before: active.begin.live,
            live_after: now.live,
            peak: peak.bytes,
            peak_blocks: peak.blocks,
            peak_time_ns: peak.time_ns,
            threads: List::Items(threads),
        }
    }

    /// Writes all cells, and returns their sum.
    fn cells(&mut self) -> Figures {
        let mut sum = Figures::default();
        for (id, account) in &self.tables.cells {
            let figures = self.peaks.figures(account, Mark::Program);
            sum = sum.plus(figures);
            let CellKey { thread, tag, heap, stack, cut } = key_of(account);
            let (thread, tag, heap) = (thread.into(), tag.into(), heap.into());
            self.record(&Cell { id: *id, thread, tag, heap, stack, cut, figures });
        }
        sum
    }

    fn totals(&self, mark: Mark) -> Figures {
        self.tables.slots.iter().map(|(_, slot)| self.peaks.figures(&slot.account, mark)).sum()
    }

    fn marks(&mut self, of_cells: Figures) {
        let head = &self.tables.head;
        let mut figures = self.totals(Mark::Program);
        (figures.peak, figures.peak_blocks) = (self.peaks.peak(Mark::Program), of_cells.peak_blocks);
        self.record(&Marks {
            figures,
            frees: figures.allocs.saturating_sub(figures.live_blocks),
            failed_allocs: head.failed,
            peak_time_ns: self.peaks.peak_time(Mark::Program, self.now),
            peak_error: peaks::error(&self.tables.credit, self.tables.use_of_slots.used),
            mark_error: figures.peak.abs_diff(of_cells.peak),
        });
    }
}

fn finished<'s>(stage: &'s records::Stage, threads: &'s [ThreadPeak]) -> Stage<'s> {
    Stage {
        name: key::text(&stage.name),
        depth: stage.depth,
        scope: stage.scope,
        running: stage.running != 0,
        runs: stage.runs,
        duration_ns: stage.duration_ns,
        begin_ns: stage.begin_ns,
        end_ns: stage.end_ns,
        allocs: stage.allocs,
        bytes: stage.bytes,
        live_before: stage.live_before,
        live_after: stage.live_after,
        peak: stage.peak.bytes,
        peak_blocks: stage.peak.blocks,
        peak_time_ns: stage.peak.time_ns,
        lost: stage.lost,
        threads: List::Items(threads),
    }
}
