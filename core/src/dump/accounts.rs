//! Records of counters: threads, cells with their stacks, the program's totals, and losses.

use super::at;
use super::at::At;
use super::writer::Writer;
use crate::Error;
use crate::platform::Platform;
use crate::table::account::Held;
use crate::table::peak::Mark;
use crate::table::region::Tables;
use crate::table::threads;
use crate::totals::{elapsed, totals};
use memtrack_format::{Cell, EncodeError, Loss, Marks, Node, Sink, SizeClass, Thread, ThreadState};

impl<R: Tables, P: Platform, S: Sink<Error = Error>> Writer<'_, R, P, S> {
    pub(super) fn threads(&mut self) -> Result<(), Error> {
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
            // The platform knows the names of running threads only. The others have the name of their first event.
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

    /// The figures of a thread at the peak: the sum over its cells. Its own account may differ, because a thread that frees a
    /// block of another one changes the cell first and the account later.
    fn held_by(&self, thread: u16) -> Held {
        let (marks, at) = (&self.region.head().marks, self.at);
        let cells = self.region.cells().of_thread(thread);
        cells.map(|(id, cell)| at.held(id, cell, marks)).fold(Held::default(), Held::plus)
    }

    pub(super) fn sizes(&mut self) -> Result<(), Error> {
        for (thread, slot) in self.region.threads().iter() {
            for (class, allocs, bytes) in slot.sizes.iter() {
                self.record(&SizeClass { thread: u32::from(thread), class, allocs, bytes })?;
            }
        }
        Ok(())
    }

    pub(super) fn nodes(&mut self, first: u32) -> Result<(), Error> {
        for (id, node) in self.region.stacks().nodes_from(first) {
            match self.to.node(id, Node { parent: node.parent, address: node.address }) {
                Ok(()) | Err(EncodeError::RecordTooLarge) => {}
                Err(EncodeError::Sink(error)) => return Err(error),
            }
        }
        Ok(())
    }

    /// Writes all cells. Returns the sum of their figures at the peak.
    pub(super) fn cells(&mut self) -> Result<Held, Error> {
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

    pub(super) fn marks(&mut self, at_peak: Held) -> Result<(), Error> {
        let head = self.region.head();
        let now = elapsed(self.region, self.platform);
        let mut figures = totals(self.region, Mark::Program);
        figures.peak = head.marks.peak(Mark::Program, || self.region.threads().live_bytes()) as u64;
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

    pub(super) fn losses(&mut self) -> Result<(), Error> {
        let losses = &self.region.head().losses;
        losses.iter().try_for_each(|(cause, events)| self.record(&Loss { cause, events }))
    }
}
