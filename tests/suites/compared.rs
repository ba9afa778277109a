//! What is recalled is what a full walk would have found: at each of many thousand events under random chains of calls, with
//! recursion, frames of dynamic size, calls back from C, panics that were caught, frames left by jumps, signals'
//! handlers on stacks of their own, and stacks deeper than are captured.
//!
//! Planted bug: a memory that looks at the innermost callers alone.

use memtrack_tests::program::run;

/// An unoptimised walk by rules that are found anew takes long. Optimised, there are enough to fill the table of stacks:
/// those that do not fit any more are right as far as they go.
const EVENTS: u64 = if cfg!(debug_assertions) { 3_000 } else { 40_000 };

const COMPARED: &str = env!("CARGO_BIN_EXE_compared");

#[test]
fn every_capture_is_that_of_a_full_walk() {
    let facts = run(COMPARED, &["exact", &EVENTS.to_string()], &[]);
    let [events, recalled, too_deep, cut] = facts.all(["events", "recalled", "too deep", "cut"]);
    assert!(events >= EVENTS as i64, "{events}");
    assert!(recalled > events / 10 && recalled < events, "{recalled} of {events} were recalled");
    assert!(too_deep > 0 && too_deep < events / 4, "{too_deep} of {events} were too deep");
    assert_eq!(cut > 0, cfg!(not(debug_assertions)), "{cut} of {events} were cut");
    assert!(cut < events / 4, "{cut} of {events} were cut");
    assert_eq!(facts.all(["different", "different from the runtime"]), [0, 0]);
}

#[test]
fn a_memory_that_looks_at_the_innermost_callers_alone_is_found_out() {
    let facts = run(COMPARED, &["by-key", &EVENTS.to_string()], &[]);
    assert!(facts.get("different") > 0, "of {} captures, each is right", facts.get("events"));
    assert_eq!(facts.get("different from the runtime"), 0);
}
