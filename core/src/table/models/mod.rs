//! Models of the concurrent parts: the tables' real code in short scenarios. loom tries every order of their steps (up to a
//! bound of preemptions) and every stale value that the memory model allows. shuttle runs the same scenarios with more rounds
//! in random orders. `cargo xtask models` runs them. Each file has a test with a fault planted in its atomics, or with a
//! step left out, that the checker must find.
//!
//! Not modelled: `membarrier` on one side makes a full fence of the compiler's fence on the other. Both sides are full fences
//! here. loom takes a `SeqCst` access for an `AcqRel` one, which allows more than the machine does.

mod credit;
mod epoch;
mod nesting;
mod tables;

use super::growth::Growth;
use super::peak::{Mark, Marks};
use super::slot::ThreadSlot;
use super::threads::{FIRST, Threads};
use crate::sync::checked::{Checker, Fault, checker, choose};
use crate::sync::*;
use std::boxed::Box;
use std::sync::Arc;
use std::vec::Vec;

/// How many schedules shuttle tries.
const SCHEDULES: usize = 20_000;
/// How often a schedule of loom interrupts a thread.
const PREEMPTIONS: usize = 3;

/// Runs a scenario in every order.
fn loom(fault: Fault, scenario: fn(usize)) {
    choose(Checker::Loom, fault);
    let mut model = loom::model::Builder::new();
    model.preemption_bound = Some(PREEMPTIONS);
    model.max_branches = 10_000;
    model.check(move || scenario(1));
}

/// Runs a scenario of more rounds in random orders.
fn shuttle(fault: Fault, scenario: fn(usize)) {
    choose(Checker::Shuttle, fault);
    shuttle::check_random(move || scenario(4), SCHEDULES);
}

/// Tests that run scenarios under both checkers.
macro_rules! models {
    ($($scenario:ident),* $(,)?) => {$(
        mod $scenario {
            use crate::sync::checked::Fault;
            use crate::table::models;

            #[test]
            fn loom() {
                models::loom(Fault::None, super::$scenario);
            }

            #[test]
            fn shuttle() {
                models::shuttle(Fault::None, super::$scenario);
            }
        }
    )*};
}
use models;

/// Runs `threads` at the same time, to their end.
fn together<const N: usize>(threads: [Box<dyn FnOnce() + Send>; N]) {
    match checker() {
        Checker::Loom => {
            let threads = threads.map(loom::thread::spawn);
            threads.into_iter().for_each(|thread| thread.join().expect("the thread did not panic"));
        }
        Checker::Shuttle => {
            let threads = threads.map(shuttle::thread::spawn);
            threads.into_iter().for_each(|thread| thread.join().expect("the thread did not panic"));
        }
    }
}

/// The marks and threads of a program.
struct Program {
    marks: Marks,
    used: AtomicU32,
    slots: Vec<ThreadSlot>,
}

impl Program {
    /// A program with that many threads, whose credit is open.
    fn new(threads: usize) -> Arc<Self> {
        let program = Self::alone(threads);
        program.marks.credit.open(program.threads(), || {});
        program
    }

    /// A program in which one thread alone has had events.
    fn alone(threads: usize) -> Arc<Self> {
        let used = AtomicU32::default();
        used.store(threads as u32, Relaxed);
        let slots = (0..usize::from(FIRST) + threads).map(|_| ThreadSlot::default()).collect();
        Arc::new(Program { marks: Marks::default(), used, slots })
    }

    fn threads(&self) -> Threads<'_> {
        Threads { used: &self.used, slots: &self.slots, growth: Growth::WHOLE }
    }

    fn peak_of(&self, mark: Mark) -> usize {
        self.marks.peak(mark, || self.threads().live_bytes())
    }

    fn slot(&self, thread: usize) -> &ThreadSlot {
        &self.slots[usize::from(FIRST) + thread]
    }
}
