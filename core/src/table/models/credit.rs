//! Credit: it is conserved, and the peaks are those of some order of the events.

use super::{Program, models, together};
use crate::sync::checked::{Fault, barrier};
use crate::sync::*;
use crate::table::peak::Mark;
use crate::table::peak::Share;
use crate::table::pending::Pending;
use std::boxed::Box;
use std::sync::Arc;

/// An event without a thread.
const NOBODY: usize = usize::MAX;

impl Program {
    fn rise(&self, thread: usize, n: usize) {
        self.inside(thread, |own| self.marks.rise(n, own, self.threads(), &Pending::default()));
    }

    fn fall(&self, thread: usize, n: usize) {
        self.inside(thread, |own| {
            self.marks.falling(own, self.threads(), || 0);
            self.marks.drop(n, own);
        });
    }

    /// An event of a thread, which is inside the hook during it.
    fn inside(&self, thread: usize, event: impl FnOnce(Option<&Share>)) {
        let own = (thread != NOBODY).then(|| &self.slot(thread).share);
        own.inspect(|own| assert!(own.enter(1), "it was outside"));
        event(own);
        own.inspect(|own| own.leave());
    }

    /// At rest: the peak. Panics unless the credit is the bytes between the peak and `live`.
    fn peak(&self, live: usize) -> usize {
        let (peak, error) = (self.marks.peak(Mark::Stage, || live), self.marks.peak_error(self.threads()));
        assert_eq!(error, 0, "everybody was asked");
        self.marks.rebase_stage(self.threads(), None);
        assert_eq!(self.marks.peak(Mark::Stage, || live), live, "credit is conserved");
        peak
    }
}

/// A thread of a scenario.
fn thread(program: &Arc<Program>, run: impl FnOnce(&Program) + Send + 'static) -> Box<dyn FnOnce() + Send> {
    let program = program.clone();
    Box::new(move || run(&program))
}

/// Two threads, one with a share, allocate and free.
fn events(rounds: usize) {
    let program = Program::new(2);
    program.rise(0, 100);
    program.fall(0, 10);
    together([
        thread(&program, move |program| {
            for _ in 0..rounds {
                program.rise(0, 12);
                program.fall(0, 12);
            }
        }),
        thread(&program, move |program| {
            for _ in 0..rounds {
                program.rise(1, 7);
                program.fall(1, 7);
            }
        }),
    ]);
    let peak = program.peak(90);
    assert!((102..=109).contains(&peak), "some order of events has this peak: {peak}");
}

/// Two threads grow: nothing is ever free.
fn growth(rounds: usize) {
    let program = Program::new(2);
    together(
        [0, 1].map(|i| thread(&program, move |program| (0..rounds).for_each(|_| program.rise(i, 10 + i)))),
    );
    assert_eq!(program.peak(21 * rounds), 21 * rounds, "the peak is what is live");
}

/// Two threads take from the pool, which has enough for both.
fn pool(rounds: usize) {
    let program = Program::new(2);
    program.rise(NOBODY, 60 * rounds);
    program.fall(NOBODY, 60 * rounds);
    together(
        [0, 1]
            .map(|i| thread(&program, move |program| (0..rounds).for_each(|_| program.rise(i, [10, 50][i])))),
    );
    assert_eq!(program.peak(60 * rounds), 60 * rounds, "what is free is found");
}

/// An event without a thread and an event of a thread, while another thread has enough credit for both.
fn nobody(rounds: usize) {
    let program = Program::new(2);
    program.rise(0, 60 * rounds);
    program.fall(0, 60 * rounds);
    together(
        [NOBODY, 1].map(|i| thread(&program, move |program| (0..rounds).for_each(|_| program.rise(i, 10)))),
    );
    assert_eq!(program.peak(20 * rounds), 60 * rounds, "what is free is found");
}

/// A free on one thread, then an allocation of as much on another one, while a third one collects: there is enough credit at
/// any time.
fn handed_on(rounds: usize) {
    let program = Program::new(3);
    program.rise(1, 100 * rounds);
    program.fall(1, 50 * rounds);
    let freed = Arc::new(AtomicU32::default());
    let seen = freed.clone();
    together([
        thread(&program, move |program| {
            program.fall(0, 50 * rounds);
            freed.store(1, Release);
        }),
        thread(&program, move |program| {
            if seen.load(Acquire) == 1 {
                program.rise(1, 50 * rounds);
                program.fall(1, 50 * rounds);
            }
        }),
        thread(&program, move |program| (0..rounds).for_each(|_| program.rise(2, 10))),
    ]);
    assert_eq!(program.peak(10 * rounds), 100 * rounds, "what is free is found");
}

/// A thread that was alone allocates and frees `n` bytes, by plain loads and stores, while a second one opens the credit and has
/// events. Returns the peak, or nothing when the program says that it may be too high.
fn opened_by(
    second: fn(&Program),
    program: &Arc<Program>,
    rounds: usize,
    n: usize,
    live: usize,
) -> Option<usize> {
    together([
        thread(program, move |program| {
            for _ in 0..rounds {
                program.rise(0, n);
                program.fall(0, n);
            }
        }),
        thread(program, move |program| {
            program.marks.credit.open(program.threads(), barrier);
            second(program);
        }),
    ]);
    (program.marks.peak_error(program.threads()) == 0).then(|| program.peak(live))
}

/// The first thread has credit.
fn opened(rounds: usize) {
    let program = Program::alone(2);
    program.rise(0, 100);
    program.fall(0, 50);
    if let Some(peak) = opened_by(|program| program.rise(1, 40), &program, rounds, 20, 90) {
        assert!((100..=110).contains(&peak), "some order of events has this peak: {peak}");
    }
}

/// The first thread has an advance, and either thread may be the first to free.
fn advanced(rounds: usize) {
    let program = Program::alone(2);
    program.rise(0, 100);
    let second = |program: &Program| {
        program.rise(1, 30);
        program.fall(1, 30);
    };
    if let Some(peak) = opened_by(second, &program, rounds, 6, 100) {
        assert!((130..=136).contains(&peak), "some order of events has this peak: {peak}");
    }
}

/// Two threads with slack: the peak is within its bound, and no credit is lost.
fn slack(rounds: usize) {
    let program = Program::new(2);
    program.marks.set_slack(40, program.threads(), None);
    program.rise(0, 100);
    program.fall(0, 30);
    together([
        thread(&program, move |program| {
            for _ in 0..rounds {
                program.rise(0, 12);
                program.fall(0, 12);
            }
        }),
        thread(&program, move |program| {
            for _ in 0..rounds {
                program.rise(1, 25);
                program.fall(1, 25);
            }
        }),
    ]);
    let error = program.marks.peak_error(program.threads());
    let peak = program.marks.peak(Mark::Stage, || 70);
    assert!((100..=107 + error).contains(&peak), "{peak}, too high by {error} at most");
    program.marks.rebase_stage(program.threads(), None);
    assert_eq!(program.marks.peak(Mark::Stage, || 70), 70, "credit is conserved");
}

models!(events, growth, pool, nobody, handed_on, opened, advanced, slack);

#[test]
#[should_panic(expected = "credit is conserved")]
fn a_peak_by_load_and_store_is_found() {
    super::loom(Fault::Torn, growth);
}

#[test]
#[should_panic(expected = "credit is conserved")]
fn a_missing_barrier_is_found() {
    super::loom(Fault::Unfenced, opened);
}
