//! After a thread's first event the tracker makes no system call, for any stack that lies no deeper: it asks the
//! system once about each further page of a stack. At the first event it reads no file (not even in `/proc`) and does
//! not wait.
//!
//! Planted bug: an allocator that makes one system call at each event.

use memtrack_tests::program::run;

const QUIET: &str = env!("CARGO_BIN_EXE_quiet");

fn calls(place: &str, events: &str) -> [i64; 3] {
    run(QUIET, &[place, events], &[]).all(["events", "system calls", "the last one"])
}

#[test]
fn events_make_no_system_call() {
    for place in ["main", "thread"] {
        let [events, calls, last] = calls(place, "later");
        assert_eq!(calls, 0, "in {events} events of {place}; the last one was number {last}");
    }
}

#[test]
fn the_first_event_reads_no_file_and_does_not_wait() {
    for place in ["main", "thread"] {
        let [_, calls, last] = calls(place, "first");
        assert_eq!(calls, 0, "{place}: the last one was number {last}");
    }
}

#[test]
fn a_system_call_at_each_event_is_detected() {
    let [events, calls, last] = calls("main", "asking");
    assert!(calls > events / 4, "{calls} calls in {events} events");
    assert_eq!(last, libc::SYS_getppid);
}
