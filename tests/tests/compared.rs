//! A recalled stack is the one that a full walk finds: at each of many thousand events under random chains of calls,
//! with recursion, frames of dynamic size, callbacks from C, caught panics, frames left by jumps, signal handlers on
//! alternate stacks, and stacks deeper than the limit.
//!
//! The same holds when a library is unloaded and another one is loaded at its address, with frames of other sizes.
//!
//! Planted bugs: a memory that compares only the innermost callers; a library that is unloaded without the tracker
//! seeing it.

use memtrack_tests::c;
use memtrack_tests::program::{self, Facts, run};

/// Unoptimised walks with a new look-up of each rule are slow. Optimised runs have enough events to fill the table of
/// stacks; stacks that no longer fit are cut, and correct up to the cut.
const EVENTS: u64 = if cfg!(debug_assertions) { 3_000 } else { 40_000 };

const COMPARED: &str = env!("CARGO_BIN_EXE_compared");

#[test]
fn every_capture_equals_a_full_walk() {
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
fn a_memory_that_compares_only_the_innermost_callers_is_detected() {
    let facts = run(COMPARED, &["by-key", &EVENTS.to_string()], &[]);
    assert!(facts.get("different") > 0, "all {} captures are right", facts.get("events"));
    assert_eq!(facts.get("different from the runtime"), 0);
}

/// Runs with two plugins that differ in the size of a frame. Each is loaded at the address of the other.
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
fn a_library_at_the_address_of_another_has_its_own_stacks() {
    let facts = reloaded("seen");
    let [events, recalled] = facts.all(["events", "recalled"]);
    assert!(recalled > events / 2 && recalled < events, "{recalled} of {events} were recalled");
    assert_eq!(facts.all(["different", "different from the runtime"]), [0, 0]);
}

#[test]
fn a_library_that_is_unloaded_unseen_is_detected() {
    let facts = reloaded("unseen");
    assert!(facts.get("different") > 0, "all {} captures are right", facts.get("events"));
}
