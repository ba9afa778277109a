//! Jumps out of the hook: a signal handler interrupts it and leaves by `siglongjmp`. The thread recovers at its next
//! event, and its figures stay consistent.
//!
//! Planted bugs: with a `has_left` in `core/src/os/linux/stack.rs` that is always false, every later event is
//! lost; with an `undisturbed` in `core/src/platform/mod.rs` that only calls `f`, all events of a thread are lost
//! whose first event was left; a lock that does not block signals stays locked.

use std::path::PathBuf;
use std::process::Command;

use memtrack_format::LossCause;
use memtrack_tests::c::{self, Link};
use memtrack_tests::{program, snapshot};

/// A program, built in a folder of its own because tests run at the same time.
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
    assert_eq!(before, after, "no event is lost without an interruption");
    let bytes = snapshot::file(&dump);
    let last = snapshot::last(&bytes);
    last.assert_adds_up();
    let left = last.lost(LossCause::Abandoned);
    assert!((1..=200).contains(&left), "{left} of 200 jumps left the hook: {:?}", last.losses);
    assert_eq!(before, left.to_string(), "no other event is lost: {:?}", last.losses);
}

/// First events of threads; the first of all also starts the tracker. An event that is left has no partial effect.
#[test]
fn a_first_event_that_is_left_takes_effect_once() {
    let program = built("left_start");
    let dump = program.with_extension("dump");
    let said = c::run(Command::new(program).arg(&dump));
    // The tracker's start counts nothing. The first event of the second thread is left while it is being counted.
    assert_eq!(said, "0 0\n1 1\n", "lost events before and after further events, on each thread");
    let bytes = snapshot::file(&dump);
    let last = snapshot::last(&bytes);
    last.assert_adds_up();
    assert_eq!(last.lost(LossCause::Abandoned), 1, "{:?}", last.losses);
}

/// No lock stays locked.
#[test]
fn a_stage_call_that_is_left_blocks_no_later_one() {
    assert_eq!(c::run(&mut Command::new(built("left_stage"))), "0 0\n", "the last stage begins and ends");
}
