//! What an event costs, in instructions: a figure that is the same on every run, unlike time, so that a change that
//! makes the hook dearer fails here. Optimised builds alone: of others nobody asks it.
#![cfg(not(debug_assertions))]

use std::process::Command;

const EVENTS: &str = env!("CARGO_BIN_EXE_events");

/// Instructions that tracking may add to a pair of allocation and free, with its stack and without.
const FULL: u64 = 1;
const COUNTERS: u64 = 1;

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
    assert!((FULL / 2..=FULL).contains(&added), "{added} instructions a pair, of {FULL}");
}

#[test]
fn a_pair_that_is_only_counted_costs_no_more_than_it_did() {
    let added = added("counters");
    assert!((COUNTERS / 2..=COUNTERS).contains(&added), "{added} instructions a pair, of {COUNTERS}");
}
