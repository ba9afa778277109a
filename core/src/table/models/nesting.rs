//! Nested stages. The peak of an outer stage is never below the bytes that were live while it ran, whatever other threads do
//! when an inner one begins. The cells of a stage of one thread are its own, whichever thread resets peaks or frees blocks.

use super::{Program, models, together};
use crate::limits::STAGE_LEVELS;
use crate::sync::checked::Fault;
use crate::sync::*;
use crate::table::account::{Account, Booker, Held};
use crate::table::peak::stage::{StageTable, Stages};
use crate::table::peak::stage_cells::{CellCopy, Freer, Levels, StageCells};
use crate::table::peak::summary::{Moment, Peak};
use crate::table::peak::thread::ThreadPeaks;
use crate::table::peak::{Epochs, Mark};
use crate::table::pending::Pending;
use crate::table::threads::FIRST;
use std::boxed::Box;
use std::sync::Arc;
use std::vec::Vec;

impl Program {
    fn seen(&self) -> Peak {
        Peak { bytes: self.peak_of(Mark::Stage), ..Peak::default() }
    }

    /// A stage of the process begins, as the tracker begins it.
    fn begin_stage(&self, stages: &mut StageTable<2, 4>, name: &str) -> u64 {
        stages.fold(self.seen(), |_| 0);
        let left = self.marks.rebase_stage(self.threads(), Some(&self.slot(0).share));
        stages.fold(Peak { bytes: left, ..Peak::default() }, |_| 0);
        stages.begin(name, Moment::default()).expect("there is room")
    }

    fn end_stage(&self, stages: &mut StageTable<2, 4>, serial: u64) -> usize {
        stages.fold(self.seen(), |_| 0);
        stages.end(serial, Moment::default()).expect("it runs").run.peak.bytes
    }

    /// Another thread allocates and frees.
    fn touch(&self, thread: usize, n: usize) {
        let own = Some(&self.slot(thread).share);
        self.marks.rise(n, own, self.threads(), &Pending::default());
        self.marks.falling(own, self.threads(), || 0);
        self.marks.drop(n, own);
    }
}

fn stages_around(rounds: usize, begin: fn(&Program, &mut StageTable<2, 4>) -> u64) {
    let program = Program::new(2);
    let mut stages = Box::new(StageTable::<2, 4>::new());
    let outer = program.begin_stage(&mut stages, "outer");
    let (here, there) = (program.clone(), program.clone());
    let ended = Arc::new(AtomicUsize::new(0));
    let told = ended.clone();
    together([
        Box::new(move || {
            let inner = begin(&here, &mut stages);
            here.end_stage(&mut stages, inner);
            // It is at rest when the other thread is.
            told.store(Box::into_raw(stages) as usize, Release);
        }),
        Box::new(move || (0..rounds).for_each(|_| there.touch(1, 100))),
    ]);
    // SAFETY: the thread that has ended made it of a box.
    let mut stages = unsafe { Box::from_raw(ended.load(Acquire) as *mut StageTable<2, 4>) };
    let peak = program.end_stage(&mut stages, outer);
    assert_eq!(peak, 100, "what was alive in the outer stage");
}

/// A stage begins in another one while a thread goes up and down.
fn inner_begins(rounds: usize) {
    stages_around(rounds, |program, stages| program.begin_stage(stages, "inner"));
}

/// The outer stage gets only the peak of the mark before its restart.
fn inner_begins_untold(rounds: usize) {
    stages_around(rounds, |program, stages| {
        stages.fold(program.seen(), |_| 0);
        program.marks.rebase_stage(program.threads(), Some(&program.slot(0).share));
        stages.begin("inner", Moment::default()).expect("there is room")
    });
}

/// A thread's own peaks, without the rest of an event.
#[derive(Default)]
struct Own {
    account: Account,
    peaks: ThreadPeaks,
}

impl Own {
    fn touch(&self, n: usize, epochs: &Epochs) {
        self.peaks.follow(&self.account, epochs);
        self.account.alloc(n, epochs.epoch(), Booker::Owner);
        self.peaks.raise(&self.account);
        self.peaks.follow(&self.account, epochs);
        self.account.free(n, epochs.epoch(), Booker::Owner);
    }

    /// A scope in a scope; `outer` makes the peak that the inner one gives back to the outer one.
    fn nest(&self, epochs: &Epochs, outer: fn(Held) -> Held) {
        let none = self.peaks.begin_scope(&self.account, epochs);
        self.touch(100, epochs);
        let seen = self.peaks.begin_scope(&self.account, epochs);
        self.touch(30, epochs);
        let inner = self.peaks.end_scope(&self.account, epochs, outer(seen));
        assert_eq!(inner.bytes, 30, "the inner scope's peak");
        let outer = self.peaks.end_scope(&self.account, epochs, none);
        assert_eq!(outer.bytes, 100, "the outer scope's peak");
    }
}

fn scopes_around(rounds: usize, outer: fn(Held) -> Held) {
    let program = Program::new(2);
    let (own, here, there) = (Own::default(), program.clone(), program);
    together([
        Box::new(move || (0..rounds).for_each(|_| own.nest(&here.marks.epochs, outer))),
        Box::new(move || {
            there.marks.reset(there.threads(), Some(&there.slot(1).share));
        }),
    ]);
}

/// A thread's own scopes, while another thread resets the program's peaks.
fn scopes(rounds: usize) {
    scopes_around(rounds, |seen| seen);
}

/// The outer scope's peak so far is forgotten.
fn scopes_forgotten(rounds: usize) {
    scopes_around(rounds, |_| Held::default());
}

/// A thread with two cells and a stage that keeps them. Another thread frees its blocks.
struct Keeping {
    program: Arc<Program>,
    levels: Vec<Levels>,
    copies: Vec<CellCopy>,
    cells: [Account; 2],
}

const THREAD: u16 = FIRST;

impl Keeping {
    fn new() -> Arc<Self> {
        Arc::new(Keeping {
            program: Program::new(2),
            levels: (0..=usize::from(THREAD)).map(|_| Levels::default()).collect(),
            copies: (0..STAGE_LEVELS * 2).map(|_| CellCopy::default()).collect(),
            cells: Default::default(),
        })
    }

    fn stage_cells(&self) -> StageCells<'_> {
        StageCells { levels: &self.levels, copies: &self.copies }
    }

    /// As the hook counts it.
    fn alloc(&self, id: usize, n: usize) {
        let (marks, slot, cell) = (&self.program.marks, self.program.slot(0), &self.cells[id]);
        cell.alloc(n, marks.epochs.epoch(), Booker::Owner);
        slot.alloc(1, n, &marks.epochs, marks.epochs.epoch(), Booker::Owner);
        self.stage_cells().after_alloc(THREAD, id as u32, cell, n, slot.account.live());
    }

    fn free(&self, id: usize, n: usize) {
        let (marks, slot, cell) = (&self.program.marks, self.program.slot(0), &self.cells[id]);
        self.stage_cells().before_free(THREAD, id as u32, cell, Freer::Owner, || 0);
        cell.free(n, marks.epochs.epoch(), Booker::Owner);
        slot.free(1, n, &marks.epochs, marks.epochs.epoch());
    }

    fn copy_for_other(&self, id: usize) {
        self.stage_cells().before_free(THREAD, id as u32, &self.cells[id], Freer::Other, || 0);
    }

    fn free_by_other(&self, id: usize, n: usize) {
        let marks = &self.program.marks;
        self.cells[id].free(n, marks.epochs.epoch(), Booker::Anyone);
        self.program.slot(0).free_remote(n, &marks.epochs, marks.epochs.epoch());
    }

    fn held(&self, level: usize) -> [usize; 2] {
        [0, 1].map(|id| self.stage_cells().held(THREAD, level, id as u32, &self.cells[id]).bytes)
    }
}

fn cells_at_peak(rounds: usize, by_other: fn(&Keeping)) {
    let keeping = Keeping::new();
    let level = keeping.stage_cells().begin(THREAD, Held::default()).expect("a level");
    keeping.alloc(0, 100);
    keeping.alloc(1, 60);
    keeping.alloc(0, 40);
    let (own, other) = (keeping.clone(), keeping.clone());
    together([
        Box::new(move || {
            own.free(1, 60);
            for _ in 0..rounds {
                own.alloc(0, 20);
                own.free(0, 20);
            }
        }),
        Box::new(move || by_other(&other)),
    ]);
    assert_eq!(keeping.held(level), [140, 60], "what cells held at the peak");
    // An inner stage has a level of its own.
    let inner = keeping.stage_cells().begin(THREAD, keeping.program.slot(0).account.live()).expect("a level");
    keeping.alloc(1, 5);
    assert_eq!(
        (keeping.held(level), keeping.held(inner)),
        ([140, 60], [40, 5]),
        "one level does not touch the other"
    );
}

/// Both threads free blocks that were live at the peak.
fn cells_kept(rounds: usize) {
    cells_at_peak(rounds, |keeping| {
        keeping.copy_for_other(0);
        keeping.free_by_other(0, 100);
    });
}

/// The copy for the other thread's free is made too late.
fn cells_kept_late(rounds: usize) {
    cells_at_peak(rounds, |keeping| {
        keeping.free_by_other(0, 100);
        keeping.copy_for_other(0);
    });
}

models!(inner_begins, scopes, cells_kept);

#[test]
#[should_panic(expected = "what was alive in the outer stage")]
fn a_rise_behind_the_last_look_is_found() {
    super::loom(Fault::None, inner_begins_untold);
}

#[test]
#[should_panic(expected = "the outer scope's peak")]
fn a_forgotten_peak_is_found() {
    super::loom(Fault::None, scopes_forgotten);
}

#[test]
#[should_panic(expected = "what cells held at the peak")]
fn cells_that_are_copied_too_late_are_found() {
    super::shuttle(Fault::None, cells_kept_late);
}
