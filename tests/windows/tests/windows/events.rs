//! The last error behind events; names and ends of threads.

use memtrack_format::{Cause, ThreadState};
use memtrack_tests::snapshot;

use crate::{on_windows, place, said, text};

#[test]
fn the_last_error_is_the_same_behind_every_event() {
    let dump = place("last-error", "dump.memtrack");
    let mut command = on_windows(&["last-error"]);
    // New peaks write snapshots in the middle of events.
    command.env("MEMTRACK_DUMP", &dump).env("MEMTRACK_DUMP_PEAK", "4KiB");
    let said = said(command);
    // Four threads with 400 rounds of seven events, and a free of another thread's block for each round.
    assert!(said.starts_with("events 12800\nchanged 0\n"), "{said}");
    let bytes = snapshot::file(&dump);
    let snapshots = snapshot::read(&bytes);
    assert!(snapshots.iter().any(|snapshot| snapshot.about.cause == Cause::Peak));
    let last = snapshots.last().expect("a snapshot at the end");
    last.assert_adds_up();
    assert!(last.losses.is_empty(), "{:?}", last.losses);
}

#[test]
fn threads_have_names_and_ends() {
    let dump = place("names", "dump.memtrack");
    said(on_windows(&["names", text(&dump)]));
    let bytes = snapshot::file(&dump);
    let last = snapshot::last(&bytes);
    last.assert_adds_up();
    let tag = last.tags.iter().find(|tag| tag.name == b"work").expect("the tag").id;
    let mut found = Vec::new();
    for thread in &last.threads {
        let work = last.cells(|cell| cell.thread == thread.id && cell.tag == tag);
        if work.allocs > 0 {
            found.push((work.bytes, String::from_utf8_lossy(thread.name), thread.state));
        }
    }
    found.sort_by_key(|(bytes, ..)| *bytes);
    let expected = [
        (1000, "short".into(), ThreadState::Exited),
        (1001, "a-name-of-more-".into(), ThreadState::Exited),
        // Fifteen bytes.
        (1002, "größte-größ".into(), ThreadState::Exited),
        (1003, "".into(), ThreadState::Running),
    ];
    assert_eq!(found, expected);
}
