//! Counts figures that forked processes inherit only once: in the parent's dump.

use std::collections::HashSet;

use memtrack_format::{Figures, Marks, Thread, ThreadState};

use crate::reader::Snapshot;

/// Removes inherited figures from every snapshot but one: the snapshot of the parent, or of its first child
/// if the parent's dump is not here.
pub(super) fn count_once(programs: &mut [Snapshot<'_>]) {
    let process = |snapshot: &Snapshot<'_>| {
        let target = snapshot.target.unwrap_or_default();
        (target.pid, target.start_unix_ns)
    };
    let mut counted: HashSet<(u32, u64)> = programs.iter().map(&process).collect();
    for snapshot in programs {
        let Some(fork) = snapshot.fork else { continue };
        let (_, start) = process(snapshot);
        if !counted.insert((fork.parent, start)) {
            remove(snapshot);
        }
    }
}

/// Leaves only the figures of the process's own events after the fork.
fn remove(snapshot: &mut Snapshot<'_>) {
    let Some(fork) = snapshot.fork.take() else { return };
    let is_inherited = |thread: &&Thread<'_>| thread.state == ThreadState::Inherited;
    let gone: HashSet<u32> = snapshot.threads.iter().filter(is_inherited).map(|thread| thread.id).collect();
    snapshot.threads.retain(|thread| !gone.contains(&thread.id));
    snapshot.cells.retain(|cell| !gone.contains(&cell.thread));
    snapshot.sizes.retain(|size| !gone.contains(&size.thread));
    snapshot.stages.retain(|stage| stage.begin_ns >= fork.time_ns);
    for thread in &mut snapshot.threads {
        let mut rest = match thread.state {
            ThreadState::Unattributed => fork.unattributed,
            ThreadState::Overflow => fork.overflow,
            _ => continue,
        };
        thread.figures = minus(&thread.figures, &rest);
        // Cells are in the order of their first events, so those from before the fork come first.
        for cell in snapshot.cells.iter_mut().filter(|cell| cell.thread == thread.id) {
            let taken = least(&cell.figures, &rest);
            (cell.figures, rest) = (minus(&cell.figures, &taken), minus(&rest, &taken));
        }
    }
    for lost in fork.losses.iter() {
        if let Some(loss) = snapshot.losses.iter_mut().find(|loss| loss.cause == lost.cause) {
            loss.events = loss.events.saturating_sub(lost.events);
        }
    }
    let figures: Figures = snapshot.cells.iter().map(|cell| cell.figures).sum();
    snapshot.marks = snapshot.marks.map(|marks| Marks {
        figures,
        frees: figures.allocs.saturating_sub(figures.live_blocks),
        failed_allocs: marks.failed_allocs.saturating_sub(fork.failed_allocs),
        ..marks
    });
}

fn minus(a: &Figures, b: &Figures) -> Figures {
    a.with(*b, u64::saturating_sub)
}

fn least(a: &Figures, b: &Figures) -> Figures {
    a.with(*b, u64::min)
}

#[cfg(test)]
mod tests {
    use super::*;
    use memtrack_format::{Cell, Fork, Stage, Target};

    fn allocs(allocs: u64) -> Figures {
        Figures { allocs, bytes: 10 * allocs, ..Figures::default() }
    }

    fn of_process(pid: u32, threads: &[(u32, ThreadState, u64)], parent: Option<u32>) -> Snapshot<'static> {
        let thread = |&(id, state, n): &_| Thread { id, state, figures: allocs(n), ..Thread::default() };
        let cell = |&(id, _, n): &_| Cell { id, thread: id, figures: allocs(n), ..Cell::default() };
        let whole: Figures = threads.iter().map(|(_, _, n)| allocs(*n)).sum();
        Snapshot {
            target: Some(Target { pid, start_unix_ns: 5, ..Target::default() }),
            fork: parent.map(|parent| Fork {
                parent,
                time_ns: 50,
                unattributed: allocs(3),
                ..Fork::default()
            }),
            threads: threads.iter().map(thread).collect(),
            cells: threads.iter().map(cell).collect(),
            marks: Some(Marks { figures: whole, frees: whole.allocs, ..Marks::default() }),
            stages: [20, 60].map(|begin_ns| Stage { begin_ns, ..Stage::default() }).into(),
            ..Snapshot::default()
        }
    }

    fn sums(programs: &[Snapshot<'_>]) -> Vec<u64> {
        programs.iter().map(|snapshot| snapshot.marks.map_or(0, |marks| marks.figures.allocs)).collect()
    }

    #[test]
    fn inherited_figures_count_in_the_parents_dump() {
        use ThreadState::{Inherited, Running, Unattributed};
        let child =
            |pid| of_process(pid, &[(0, Unattributed, 4), (2, Inherited, 1000), (3, Running, 1)], Some(7));
        let parent = || of_process(7, &[(0, Unattributed, 3), (2, Running, 1000)], None);
        let mut family = [child(8), parent(), child(9)];
        count_once(&mut family);
        assert_eq!(sums(&family), [2, 1003, 2]);
        assert_eq!(family[0].stages.len(), 1, "the one that began before the fork is the parent's");
        assert!(family[0].threads.iter().all(|thread| thread.state != Inherited));

        let mut orphans = [child(8), child(9)];
        count_once(&mut orphans);
        assert_eq!(sums(&orphans), [1005, 2], "no parent: once for all of its children");
    }
}
