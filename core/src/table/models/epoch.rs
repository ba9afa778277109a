//! Epochs and resets: the figures that accounts remember of a peak when events race with the fall from it, or with a reset.

use super::{Program, models, together};
use crate::sync::checked::Fault;
use crate::table::account::{Account, Booker};
use crate::table::peak::Mark;
use crate::table::pending::Pending;
use std::boxed::Box;
use std::sync::Arc;

/// Two threads with two cells each.
struct Cells {
    program: Arc<Program>,
    cells: [[Account; 2]; 2],
}

impl Cells {
    fn new() -> Arc<Self> {
        Arc::new(Cells { program: Program::new(2), cells: Default::default() })
    }

    /// As the hook counts it.
    fn alloc(&self, thread: usize, cell: usize, n: usize) {
        let (marks, slot) = (&self.program.marks, self.program.slot(thread));
        let epoch = marks.epochs.epoch();
        self.cells[thread][cell].alloc(n, epoch, Booker::Owner);
        slot.alloc(1, n, &marks.epochs, epoch, Booker::Owner);
        marks.rise(n, Some(&slot.share), self.program.threads(), &Pending::default());
    }

    fn free(&self, thread: usize, cell: usize, n: usize) {
        let (marks, slot) = (&self.program.marks, self.program.slot(thread));
        let epoch = marks.falling(Some(&slot.share), self.program.threads(), || 0);
        self.cells[thread][cell].free(n, epoch, Booker::Owner);
        slot.free(1, n, &marks.epochs, epoch);
        marks.drop(n, Some(&slot.share));
    }

    fn held(&self, mark: Mark) -> usize {
        self.cells.as_flattened().iter().map(|cell| cell.held(&self.program.marks.epochs, mark).bytes).sum()
    }

    /// Compares the sum that all cells held at the peak with the peak. They may differ by the bytes of `others` at that moment.
    fn compare(&self, others: usize) {
        for mark in [Mark::Program, Mark::Stage] {
            let (held, peak) = (self.held(mark), self.program.peak_of(mark));
            assert!(held.abs_diff(peak) <= others, "at the peak of {peak}, {mark:?}: cells held {held}");
        }
    }

    /// A new peak while no other thread runs.
    fn compare_later(&self) {
        self.alloc(0, 1, 1000);
        self.free(0, 1, 1000);
        self.alloc(0, 0, 1);
        self.compare(0);
    }
}

fn thread(cells: &Arc<Cells>, run: impl FnOnce(&Cells) + Send + 'static) -> Box<dyn FnOnce() + Send> {
    let cells = cells.clone();
    Box::new(move || run(&cells))
}

/// Both threads fall from a peak; one makes another peak on the way.
fn falls(rounds: usize) {
    let cells = Cells::new();
    cells.alloc(0, 0, 10);
    cells.alloc(1, 0, 30);
    together([
        thread(&cells, |cells| cells.free(0, 0, 10)),
        thread(&cells, move |cells| {
            for _ in 0..rounds {
                cells.free(1, 0, 10);
                cells.alloc(1, 1, 100);
                cells.free(1, 0, 10);
                cells.alloc(1, 0, 20);
            }
        }),
    ]);
    cells.compare(10);
    cells.compare_later();
}

/// A reset while a thread goes up and down.
fn reset(rounds: usize) {
    let cells = Cells::new();
    cells.alloc(0, 0, 100);
    cells.free(0, 0, 90);
    together([
        thread(&cells, move |cells| {
            for _ in 0..rounds {
                cells.alloc(0, 1, 5);
                cells.free(0, 1, 5);
            }
        }),
        thread(&cells, |cells| {
            cells.program.marks.reset(cells.program.threads(), Some(&cells.program.slot(1).share));
        }),
    ]);
    let marks = &cells.program.marks;
    for mark in [Mark::Program, Mark::Stage] {
        let peak = cells.program.peak_of(mark);
        assert!((10..=15).contains(&peak), "{mark:?}: the peak since the reset is {peak}");
    }
    let of = |mark| cells.program.peak_of(mark);
    assert!(of(Mark::Program) >= of(Mark::Stage), "a stage's peak is the program's too");
    let slot = cells.program.slot(0).peak(&marks.epochs).bytes;
    assert!((10..=15).contains(&slot), "the thread's peak since the reset is {slot}");
    cells.compare(5);
    cells.compare_later();
}

/// Two threads free blocks of a third one after a peak: neither copies figures that the other one has changed.
fn others_free(rounds: usize, free: fn(&Cells)) -> Arc<Cells> {
    let cells = Cells::new();
    cells.alloc(0, 0, 100);
    cells.program.marks.reset(cells.program.threads(), None);
    cells.program.marks.falling(None, cells.program.threads(), || 0);
    together([0, 1].map(|_| thread(&cells, move |cells| (0..rounds).for_each(|_| free(cells)))));
    cells
}

/// The owner allocates while another thread frees its blocks: no change of either is lost.
fn owner_and_other(rounds: usize) {
    let cells = Cells::new();
    cells.alloc(0, 0, 100);
    let alloc = |cells: &Cells| cells.cells[0][0].alloc(5, cells.program.marks.epochs.epoch(), Booker::Owner);
    let free = |cells: &Cells| cells.cells[0][0].free(10, cells.program.marks.epochs.epoch(), Booker::Anyone);
    together([
        thread(&cells, move |cells| (0..rounds).for_each(|_| alloc(cells))),
        thread(&cells, move |cells| (0..rounds).for_each(|_| free(cells))),
    ]);
    assert_eq!(cells.cells[0][0].live().bytes, 100 + 5 * rounds - 10 * rounds);
}

/// The copy of the blocks' cell.
fn others_free_of_a_cell(rounds: usize) {
    let free = |cells: &Cells| cells.cells[0][0].free(10, cells.program.marks.epochs.epoch(), Booker::Anyone);
    others_free(rounds, free).compare(0);
}

/// The copy of the thread, and its peak since a reset. The scenario has too many steps for loom.
fn others_free_of_a_thread(rounds: usize) {
    let free = |cells: &Cells| {
        let marks = &cells.program.marks;
        cells.program.slot(0).free_remote(10, &marks.epochs, marks.epochs.epoch());
    };
    let cells = others_free(rounds, free);
    let (slot, marks) = (cells.program.slot(0), &cells.program.marks);
    assert_eq!(slot.account.held(&marks.epochs, Mark::Program).bytes, 100, "at the program's peak");
    assert_eq!(slot.peak(&marks.epochs).bytes, 100, "the thread's own peak since the reset");
}

/// A free that is counted before the fall from the peak.
fn falls_late(_: usize) {
    let cells = Cells::new();
    cells.alloc(0, 0, 100);
    cells.alloc(1, 0, 100);
    together([0, 1].map(|i| {
        thread(&cells, move |cells| {
            let (marks, slot) = (&cells.program.marks, cells.program.slot(i));
            cells.cells[i][0].free(100, marks.epochs.epoch(), Booker::Owner);
            marks.falling(Some(&slot.share), cells.program.threads(), || 0);
            marks.drop(100, Some(&slot.share));
        })
    }));
    cells.compare(100);
}

/// A thread makes a new peak while another one frees, then resets: the earlier peak must not come back.
fn reset_after_fall(rounds: usize) {
    let cells = Cells::new();
    cells.alloc(1, 0, 100);
    together([
        thread(&cells, move |cells| (0..rounds).for_each(|_| cells.alloc(0, 1, 5))),
        thread(&cells, |cells| {
            cells.free(1, 0, 90);
            cells.program.marks.reset(cells.program.threads(), Some(&cells.program.slot(1).share));
        }),
    ]);
    let peak = cells.program.peak_of(Mark::Program);
    assert_eq!(peak, 10 + 5 * rounds, "the peak since the reset");
}

models!(falls, others_free_of_a_cell, owner_and_other, reset, reset_after_fall);

#[test]
fn others_free_of_a_thread_at_random() {
    super::shuttle(Fault::None, others_free_of_a_thread);
}

#[test]
#[should_panic(expected = "peak")]
fn a_reset_in_two_steps_is_found() {
    super::loom(Fault::Torn, reset);
}

#[test]
#[should_panic(expected = "cells held")]
fn a_copy_that_is_made_too_late_is_found() {
    super::loom(Fault::None, falls_late);
}

#[test]
#[should_panic(expected = "peak")]
fn two_that_copy_at_once_are_found() {
    super::loom(Fault::Torn, others_free_of_a_cell);
}
