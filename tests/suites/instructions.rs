//! What an event costs, in instructions: a figure that is the same on every run, unlike time, so that a change that
//! makes the hook dearer fails here. Optimised builds for x86_64 alone.
#![cfg(all(not(debug_assertions), target_arch = "x86_64"))]

use std::process::Command;

const EVENTS: &str = env!("CARGO_BIN_EXE_events");

/// Instructions that tracking may add to a pair of allocation and free, with its stack and without: 15 % above what it
/// took on x86_64 when this was written, 566 and 331. Who makes it cheaper lowers them.
const FULL: u64 = 650;
const COUNTERS: u64 = 380;

/// Instructions that the program executes.
fn instructions(allocator: &str, pairs: usize) -> u64 {
    let mut valgrind = Command::new("valgrind");
    valgrind.args(["--tool=callgrind", "--callgrind-out-file=/dev/null", EVENTS, allocator]);
    let output = valgrind.arg(pairs.to_string()).env_remove("MEMTRACK_DUMP").output();
    let output = output.expect("valgrind starts");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    let collected = said.lines().find_map(|line| line.split_once("Collected : "));
    let (_, count) = collected.unwrap_or_else(|| panic!("no count: {said}"));
    count.trim().parse().expect("a number of instructions")
}

/// Instructions of one pair: the difference between many and more, which leaves out what is done once.
fn per_pair(allocator: &str) -> u64 {
    const PAIRS: usize = 20_000;
    (instructions(allocator, 2 * PAIRS) - instructions(allocator, PAIRS)) / PAIRS as u64
}

fn added(allocator: &str) -> u64 {
    per_pair(allocator) - per_pair("plain")
}

#[test]
fn a_pair_with_its_stack_costs_no_more_than_it_did() {
    let added = added("full");
    assert!((FULL / 4..=FULL).contains(&added), "{added} instructions a pair, of {FULL}");
}

#[test]
fn a_pair_that_is_only_counted_costs_no_more_than_it_did() {
    let added = added("counters");
    assert!((COUNTERS / 4..=COUNTERS).contains(&added), "{added} instructions a pair, of {COUNTERS}");
}
