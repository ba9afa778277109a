//! Snapshots: the tables, read out record by record. Nothing here allocates or stops the program.

mod at;

pub(crate) use at::At;
#[cfg(feature = "std")]
pub(crate) use at::Span;

use crate::Error;
use crate::lock::try_lock;
use crate::platform::Platform;
use crate::sync::*;
use crate::table::account::Held;
use crate::table::peak::Mark;
use crate::table::peak::stage::Stages;
use crate::table::peak::summary::Summary;
use crate::table::region::Tables;
use crate::table::threads;
use crate::totals::totals;
use crate::{LossCause, target};
use memtrack_format::{
    Cause, Cell, Config, EncodeError, Encoder, Heap, Kind, List, Loss, Marks, Node, Process, Record, Sink,
    SizeClass, Snapshot, Stage, TagName, Target, Thread, ThreadPeak, ThreadState, TimePoint,
};

/// The encoder's buffer: on a host it holds the longest path.
const BUFFER: usize = if cfg!(feature = "std") { 8192 } else { 512 };

/// A sink over the embedded world's writers.
pub(crate) struct Io<'w, W>(pub(crate) &'w mut W);

impl<W: embedded_io::Write> Sink for Io<'_, W> {
    type Error = Error;

    fn write(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.0.write_all(bytes).map_err(|error| Error::Sink(embedded_io::Error::kind(&error)))
    }
}

/// What a snapshot is of, and where it goes.
struct Writer<'r, R, P, S> {
    region: &'r R,
    platform: &'r P,
    at: At<'r>,
    to: Encoder<S, BUFFER>,
}

/// Writes a snapshot of the whole program.
pub(crate) fn program<R: Tables, P: Platform, S: Sink<Error = Error>>(
    region: &R,
    platform: &P,
    unwinder: &str,
    cause: Cause,
    to: S,
) -> Result<(), Error> {
    let mut writer = Writer { region, platform, at: At::Mark(Mark::Program), to: Encoder::new(to)? };
    writer.preamble(Kind::Program, cause, unwinder)?;
    writer.stages()?;
    writer.nodes(0)?;
    let at_peak = writer.cells()?;
    writer.marks(at_peak)?;
    writer.timeline()?;
    writer.sizes()?;
    writer.losses()?;
    writer.finish()
}

/// Writes a snapshot of a stage whose peak `at` shows, with the stack nodes from `first_node` on.
pub(crate) fn stage<R: Tables, P: Platform, S: Sink<Error = Error>>(
    region: &R,
    platform: &P,
    unwinder: &str,
    at: At<'_>,
    stage: &Summary,
    first_node: u32,
    to: S,
) -> Result<(), Error> {
    let mut writer = Writer { region, platform, at, to: Encoder::new(to)? };
    writer.preamble(Kind::Stage, Cause::StageEnd, unwinder)?;
    writer.stage(stage)?;
    writer.nodes(first_node)?;
    writer.cells()?;
    writer.losses()?;
    writer.finish()
}

/// Writes the mark of the process that begins a file: whose it is, before there is a snapshot.
#[cfg(feature = "std")]
pub(crate) fn mark<P: Platform, S: Sink<Error = Error>>(platform: &P, to: S) -> Result<(), Error> {
    let mut to: Encoder<S, 2048> = Encoder::new(to)?;
    let process = platform.process();
    let mut result = Ok(());
    platform.command(&mut |command| result = to.record(&target(process, process.unix_ns, "", command)));
    let result = result.and_then(|()| to.record(&platform.identity().unwrap_or_default()));
    match result.and_then(|()| to.finish()) {
        Ok(_) | Err(EncodeError::RecordTooLarge) => Ok(()),
        Err(EncodeError::Sink(error)) => Err(error),
    }
}

fn target<'t>(
    process: crate::platform::Process,
    start: u64,
    unwinder: &'t str,
    command: &'t [u8],
) -> Target<'t> {
    Target {
        arch: target::ARCH,
        pointer_width: size_of::<usize>() as u8,
        big_endian: cfg!(target_endian = "big"),
        os: target::OS,
        pid: process.pid,
        parent_pid: process.parent,
        start_unix_ns: start,
        unwinder: unwinder.as_bytes(),
        command,
    }
}

/// Writes what a copy of the region does not tell: the program, and its modules when asked for.
#[cfg(feature = "std")]
pub(crate) fn annex<R: Tables, P: Platform, S: Sink<Error = Error>>(
    region: &R,
    platform: &P,
    unwinder: &str,
    modules: bool,
    to: S,
) -> Result<(), Error> {
    let mut writer = Writer { region, platform, at: At::Mark(Mark::Program), to: Encoder::new(to)? };
    writer.target(unwinder)?;
    if modules {
        writer.modules()?;
    }
    writer.finish()
}

impl<R: Tables, P: Platform, S: Sink<Error = Error>> Writer<'_, R, P, S> {
    /// Writes a record. One that is too large for the buffer is left out and counted.
    fn record<'a, T: Record<'a>>(&mut self, record: &T) -> Result<(), Error> {
        match self.to.record(record) {
            Ok(()) => Ok(()),
            Err(EncodeError::Sink(error)) => Err(error),
            Err(EncodeError::RecordTooLarge) => {
                self.region.head().losses.count(LossCause::RecordTooLarge);
                Ok(())
            }
        }
    }

    fn preamble(&mut self, kind: Kind, cause: Cause, unwinder: &str) -> Result<(), Error> {
        let head = self.region.head();
        let time_ns = crate::totals::elapsed(self.region, self.platform);
        let sequence = head.snapshots.fetch_add(1, Relaxed);
        self.record(&Snapshot { kind, cause, sequence, time_ns })?;
        crate::totals::add_timeline_point(self.region, time_ns);
        self.target(unwinder)?;
        self.config()?;
        self.modules()?;
        self.threads()?;
        self.tags()?;
        self.heaps()
    }

    fn modules(&mut self) -> Result<(), Error> {
        let (platform, mut result) = (self.platform, Ok(()));
        platform.modules(&mut |module| {
            if result.is_ok() {
                result = self.record(module);
            }
        });
        result
    }

    fn target(&mut self, unwinder: &str) -> Result<(), Error> {
        let (platform, process) = (self.platform, self.platform.process());
        let start_unix_ns = self.region.head().start_unix.get();
        let mut result = Ok(());
        platform.command(&mut |command| {
            result = self.record(&target(process, start_unix_ns, unwinder, command));
        });
        result?;
        if let Some(process) = platform.identity() {
            self.record(&Process { tracker: self.tracker(), ..process })?;
        }
        #[cfg(feature = "std")]
        if let Some(result) = self.region.head().inherited.record(|fork| self.to.record(fork)) {
            return match result {
                Ok(()) | Err(EncodeError::RecordTooLarge) => Ok(()),
                Err(EncodeError::Sink(error)) => Err(error),
            };
        }
        Ok(())
    }

    fn tracker(&self) -> u64 {
        self.region.head().claimed.load(Relaxed) as u64
    }

    fn config(&mut self) -> Result<(), Error> {
        let (nodes, nodes_capacity) = self.region.stacks().usage();
        let (cells, cells_capacity) = self.region.cells().usage();
        let (threads, threads_capacity) = self.region.threads().usage();
        let (stages, stages_capacity) =
            try_lock(self.region.stages()).map_or((0, 0), |stages| stages.usage());
        let (tags, tags_capacity) = self.region.tags().usage();
        let max_depth = R::Frames::default().as_mut().capacity() as u32;
        self.record(&Config {
            nodes,
            nodes_capacity,
            cells,
            cells_capacity,
            threads,
            threads_capacity,
            max_depth,
            stages,
            stages_capacity,
            tags,
            tags_capacity,
        })
    }

    fn threads(&mut self) -> Result<(), Error> {
        let (marks, at) = (&self.region.head().marks, self.at);
        for (id, slot) in self.region.threads().iter().filter(|(id, _)| at.shows(*id)) {
            let state = match id {
                threads::UNATTRIBUTED => ThreadState::Unattributed,
                threads::OVERFLOW => ThreadState::Overflow,
                _ => slot.state(),
            };
            let now = match state {
                ThreadState::Running => self.platform.thread_name(slot.os_id()),
                _ => [0; 16],
            };
            // A thread that cannot be asked has the name of its first event.
            let name = if now[0] == 0 { slot.name() } else { now };
            let end = name.iter().position(|&byte| byte == 0).unwrap_or(name.len());
            let held = self.held_by(id);
            let own = match at {
                At::Mark(Mark::Program) => slot.peak(&marks.epochs),
                At::Mark(Mark::Stage) => slot.stage_peak(&marks.epochs),
                At::Span(_) => held,
            };
            let figures = at::with_peak(slot.account.figures(&marks.epochs, at.mark()), held);
            self.record(&Thread {
                id: u32::from(id),
                os_id: slot.os_id(),
                state,
                count: slot.count(),
                name: &name[..end],
                figures,
                own_peak: own.bytes as u64,
                own_peak_blocks: u64::from(own.blocks),
            })?;
        }
        Ok(())
    }

    /// What a thread held when the peak stood, by its cells: others that freed its blocks at that moment may have come
    /// to a cell and not yet to the thread's own account.
    fn held_by(&self, thread: u16) -> Held {
        let (marks, at) = (&self.region.head().marks, self.at);
        let cells = self.region.cells().of_thread(thread);
        cells.map(|(id, cell)| at.held(id, cell, marks)).fold(Held::default(), Held::plus)
    }

    fn sizes(&mut self) -> Result<(), Error> {
        for (thread, slot) in self.region.threads().iter() {
            for (class, allocs, bytes) in slot.sizes.iter() {
                self.record(&SizeClass { thread: u32::from(thread), class, allocs, bytes })?;
            }
        }
        Ok(())
    }

    fn tags(&mut self) -> Result<(), Error> {
        for place in 0.. {
            let Some((parent, name)) = self.region.tags().get(place) else { break };
            self.record(&TagName { id: place as u32 + 1, parent: u32::from(parent), name: name.as_bytes() })?;
        }
        Ok(())
    }

    fn heaps(&mut self) -> Result<(), Error> {
        for place in 0.. {
            let Some((_, name)) = self.region.heaps().get(place) else { break };
            self.record(&Heap { id: place as u32 + 1, name: name.as_bytes() })?;
        }
        Ok(())
    }

    fn stages(&mut self) -> Result<(), Error> {
        crate::totals::raise_stage_peaks(self.region, self.platform);
        let now = crate::totals::moment(self.region, self.platform);
        for place in 0.. {
            let stage = try_lock(self.region.stages()).and_then(|stages| stages.get(place, now));
            let Some(stage) = stage else { break };
            self.stage(&stage)?;
        }
        Ok(())
    }

    fn stage(&mut self, stage: &Summary) -> Result<(), Error> {
        let threads: heapless::Vec<ThreadPeak, { crate::limits::TOP_THREADS }> = stage
            .threads
            .iter()
            .map(|of| ThreadPeak { thread: u32::from(of.thread), peak: of.bytes as u64 })
            .collect();
        self.record(&Stage {
            name: stage.name.as_bytes(),
            depth: stage.depth,
            scope: stage.scope,
            running: stage.running,
            runs: stage.runs,
            duration_ns: stage.duration_ns,
            begin_ns: stage.begin_ns,
            end_ns: stage.end_ns,
            allocs: stage.allocs,
            bytes: stage.bytes,
            live_before: stage.live_before as u64,
            live_after: stage.live_after as u64,
            peak: stage.peak.bytes as u64,
            peak_blocks: stage.peak.blocks as u64,
            peak_time_ns: stage.peak.time_ns,
            lost: stage.lost,
            threads: List::Items(&threads),
        })
    }

    fn nodes(&mut self, first: u32) -> Result<(), Error> {
        for (id, node) in self.region.stacks().nodes_from(first) {
            match self.to.node(id, Node { parent: node.parent, address: node.address }) {
                Ok(()) | Err(EncodeError::RecordTooLarge) => {}
                Err(EncodeError::Sink(error)) => return Err(error),
            }
        }
        Ok(())
    }

    /// Writes all cells. What they held at the mark, summed.
    fn cells(&mut self) -> Result<Held, Error> {
        let (marks, at) = (&self.region.head().marks, self.at);
        let mut at_mark = Held::default();
        for (id, key, cell) in self.region.cells().iter().filter(|(_, key, _)| at.shows(key.thread)) {
            let held = at.held(id, cell, marks);
            at_mark = at_mark.plus(held);
            self.record(&Cell {
                id,
                thread: u32::from(key.thread),
                tag: u32::from(key.tag),
                heap: u32::from(key.heap),
                stack: key.stack.0,
                cut: key.cut,
                figures: at::with_peak(cell.figures(&marks.epochs, at.mark()), held),
            })?;
        }
        Ok(at_mark)
    }

    fn timeline(&mut self) -> Result<(), Error> {
        for place in 0.. {
            let Some(point) = try_lock(self.region.timeline()).and_then(|line| line.get(place)) else {
                break;
            };
            let (high, live) = (point.high as u64, point.live as u64);
            self.record(&TimePoint { time_ns: point.time_ns, high, live })?;
        }
        Ok(())
    }

    fn marks(&mut self, at_peak: Held) -> Result<(), Error> {
        let head = self.region.head();
        let now = crate::totals::elapsed(self.region, self.platform);
        let mut figures = totals(self.region, Mark::Program);
        figures.peak = head.marks.peak(Mark::Program) as u64;
        figures.peak_blocks = u64::from(at_peak.blocks);
        self.record(&Marks {
            figures,
            frees: figures.allocs.saturating_sub(figures.live_blocks),
            failed_allocs: head.failed.get(),
            peak_time_ns: head.marks.peak_time(Mark::Program, now),
            peak_error: head.marks.peak_error(self.region.threads()) as u64,
            mark_error: figures.peak.abs_diff(at_peak.bytes as u64),
        })
    }

    fn losses(&mut self) -> Result<(), Error> {
        let losses = &self.region.head().losses;
        losses.iter().try_for_each(|(cause, events)| self.record(&Loss { cause, events }))
    }

    fn finish(self) -> Result<(), Error> {
        match self.to.finish() {
            Ok(_) | Err(EncodeError::RecordTooLarge) => Ok(()),
            Err(EncodeError::Sink(error)) => Err(error),
        }
    }
}
