//! Jumps out of the hook: a signal's handler that interrupts it and leaves by `siglongjmp`. The thread recovers at its next
//! event, and what is recorded stays whole.
//!
//! Planted bug: a `has_left` in `core/src/platform/host/stack.rs` that is always false loses every later event.

use std::process::Command;

use memtrack_format::LossCause;
use memtrack_tests::c::{self, Link};
use memtrack_tests::{program, snapshot};

#[test]
fn a_thread_whose_handler_left_the_hook_recovers() {
    let folder = program::folder("jumps");
    let (built, dump) = (folder.join("left"), folder.join("dump"));
    c::build("gcc", &["-std=gnu11", "-O1"], &c::source("left.c"), Link::Static, &built);
    let said = c::run(Command::new(built).arg(&dump));
    let (before, after) = said.trim().split_once(' ').expect("two numbers");
    assert_eq!(before, after, "no event is lost when nothing interrupts");
    let bytes = snapshot::file(&dump);
    let last = snapshot::last(&bytes);
    last.assert_adds_up();
    let left = last.lost(LossCause::Abandoned);
    assert!((1..=200).contains(&left), "{left} of 200 jumps left the hook: {:?}", last.losses);
    assert_eq!(before, left.to_string(), "nothing else is lost: {:?}", last.losses);
}
