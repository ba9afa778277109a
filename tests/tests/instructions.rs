//! What events cost, in instructions: a figure that is the same on every run, unlike time, so that a change that makes
//! the hook dearer fails here. Optimised builds for x86_64 alone; the programs are those of `benches`.
#![cfg(all(not(debug_assertions), target_arch = "x86_64"))]

use std::process::Command;

use memtrack_tests::program::of_workspace;

/// Instructions that tracking may add to a pair of allocation and free without its stack: a sixth above what it took
/// when this was written. So are the other limits; who makes it cheaper lowers them.
const COUNTERS: u64 = 230;
/// Instructions that the stack may add to that, with its id, by the order in which stacks follow each other.
const CAPTURES: [(&str, u64); 5] =
    [("same-24", 265), ("sites-30", 290), ("runs-30", 300), ("random-100", 500), ("random-2000", 640)];
/// Instructions that a stack may take for each frame whose code was never met before.
const NEW_FRAME: u64 = 4000;
/// How many more these may be in a program of fifty thousand functions than in one of two thousand, in percent: the
/// search among twenty-four times as many is five steps longer.
const LARGE: u64 = 10;

/// Instructions that a program executes.
fn instructions(program: &str, arguments: &[&str]) -> u64 {
    let mut valgrind = Command::new("valgrind");
    valgrind.args(["--tool=callgrind", "--callgrind-out-file=/dev/null"]);
    let output = valgrind.arg(of_workspace(program)).args(arguments).env_remove("MEMTRACK_DUMP").output();
    let output = output.expect("valgrind starts");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    let collected = said.lines().find_map(|line| line.split_once("Collected : "));
    let (_, count) = collected.unwrap_or_else(|| panic!("no count: {said}"));
    count.trim().parse().expect("a number of instructions")
}

/// Instructions of one step: the difference between many and more, which leaves out what is done once.
fn per_step(program: &str, arguments: [&str; 2], steps: u64) -> u64 {
    let of = |steps: u64| instructions(program, &[arguments[0], arguments[1], &steps.to_string()]);
    (of(2 * steps) - of(steps)) / steps
}

/// Instructions of a pair of allocation and free.
fn pair(allocator: &str, stacks: &str) -> u64 {
    per_step("bench-events", [allocator, stacks], 8_000)
}

/// Tells the figure, and holds it to its limit: far below, the program does not do what it should.
#[track_caller]
fn hold(what: &str, instructions: u64, limit: u64) {
    println!("{what}: {instructions} instructions, of {limit}");
    assert!((limit / 4..=limit).contains(&instructions), "{what}: {instructions} instructions, of {limit}");
}

#[test]
fn a_pair_that_is_only_counted_costs_no_more_than_it_did() {
    hold("counters", pair("counters", "same-24") - pair("system", "same-24"), COUNTERS);
}

#[test]
fn a_stack_costs_no_more_than_it_did() {
    for (stacks, limit) in CAPTURES {
        hold(stacks, pair("full", stacks) - pair("counters", stacks), limit);
    }
}

/// Sixteen new frames a stack. A binary search is all that knows of the program's size.
#[test]
fn the_first_capture_costs_the_same_in_a_small_and_in_a_large_program() {
    let new_frame = |program| per_step(program, ["captures", "memtrack"], 40) / 16;
    let [small, large] = ["bench-cold-small", "bench-cold-large"].map(new_frame);
    println!("in the small program {small}");
    hold("a new frame", large, NEW_FRAME);
    assert!(large <= small + small * LARGE / 100, "{small} instructions, in the large program {large}");
}
