//! Jumps out of the hook: a signal's handler that interrupts it and leaves by `siglongjmp`. The thread recovers at its next
//! event, and what is recorded stays whole.
//!
//! Planted bugs: a `has_left` in `core/src/os/linux/stack.rs` that is always false loses every later event; an
//! `undisturbed` in `core/src/platform/mod.rs` that only calls `f` loses all of a thread whose first event was left; a lock
//! that holds no signals stays shut.

use std::path::PathBuf;
use std::process::Command;

use memtrack_format::LossCause;
use memtrack_tests::c::{self, Link};
use memtrack_tests::{program, snapshot};

/// A program, built in a folder of its own: tests run at the same time.
fn built(name: &str) -> PathBuf {
    let program = program::folder(&format!("jumps-{name}")).join(name);
    c::build("gcc", &["-std=gnu11", "-O1"], &c::source(&format!("{name}.c")), Link::Static, &program);
    program
}

#[test]
fn a_thread_whose_handler_left_the_hook_recovers() {
    let program = built("left");
    let dump = program.with_extension("dump");
    let said = c::run(Command::new(program).arg(&dump));
    let (before, after) = said.trim().split_once(' ').expect("two numbers");
    assert_eq!(before, after, "no event is lost when nothing interrupts");
    let bytes = snapshot::file(&dump);
    let last = snapshot::last(&bytes);
    last.assert_adds_up();
    let left = last.lost(LossCause::Abandoned);
    assert!((1..=200).contains(&left), "{left} of 200 jumps left the hook: {:?}", last.losses);
    assert_eq!(before, left.to_string(), "nothing else is lost: {:?}", last.losses);
}

/// Threads' first events, of which the first is the tracker's start: nothing of them is half made when they are left.
#[test]
fn a_first_event_that_is_left_is_made_once() {
    let program = built("left_start");
    let dump = program.with_extension("dump");
    let said = c::run(Command::new(program).arg(&dump));
    // The tracker's start books nothing. A thread's first event is in the middle of its booking when it is left.
    assert_eq!(said, "0 0\n1 1\n", "what was lost before and after further events, on each thread");
    let bytes = snapshot::file(&dump);
    let last = snapshot::last(&bytes);
    last.assert_adds_up();
    assert_eq!(last.lost(LossCause::Abandoned), 1, "{:?}", last.losses);
}

/// No lock is shut for ever.
#[test]
fn a_stage_that_is_left_in_the_middle_keeps_others_from_nothing() {
    assert_eq!(c::run(&mut Command::new(built("left_stage"))), "0 0\n", "a stage is begun and ended");
}
