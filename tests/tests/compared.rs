//! What is recalled is what a full walk would have found: at each of many thousand events under random chains of calls, with
//! recursion, frames of dynamic size, calls back from C, panics that were caught, frames left by jumps, signals'
//! handlers on stacks of their own, and stacks deeper than are captured.
//!
//! So it is when a library is unloaded and another one loaded at its place, whose functions have other frames.
//!
//! Planted bugs: a memory that looks at the innermost callers alone; a library that is unloaded behind the tracker's back.

use memtrack_tests::c;
use memtrack_tests::program::{self, Facts, run};

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

/// Runs with two plugins that differ in the size of a frame, of which each is loaded at the other's place.
fn reloaded(unloading: &str) -> Facts {
    let folder = program::folder(&format!("compared-{unloading}"));
    let plugins = [208, 400].map(|size| {
        let plugin = c::plugin("plugin_call", size, &[], &folder);
        plugin.to_str().expect("a path in UTF-8").to_owned()
    });
    let facts = run(COMPARED, &[unloading, &plugins[0], &plugins[1]], &[]);
    assert_eq!(facts.get("places"), 1, "the plugins were loaded at different places");
    facts
}

#[test]
fn a_library_at_the_place_of_another_has_stacks_of_its_own() {
    let facts = reloaded("seen");
    let [events, recalled] = facts.all(["events", "recalled"]);
    assert!(recalled > events / 2 && recalled < events, "{recalled} of {events} were recalled");
    assert_eq!(facts.all(["different", "different from the runtime"]), [0, 0]);
}

#[test]
fn a_library_that_is_unloaded_behind_the_trackers_back_is_found_out() {
    let facts = reloaded("unseen");
    assert!(facts.get("different") > 0, "of {} captures, each is right", facts.get("events"));
}
