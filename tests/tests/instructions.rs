//! The cost of events in instructions. Unlike time, this figure is the same in every run, so a change that makes the
//! hook slower fails here. Only optimised builds for x86_64; the programs are those of `benches`.
#![cfg(all(not(debug_assertions), target_arch = "x86_64"))]

use std::process::Command;

use memtrack_tests::program::of_workspace;

/// Instructions that tracking may add to a pair of an allocation and a free without its stack: a sixth more than it
/// took when this was written. The other limits have the same margin. A change that makes the hook faster lowers
/// them.
const COUNTERS: u64 = 218;
/// Instructions that the stack and its id may add to that, by the order of the stacks.
const CAPTURES: [(&str, u64); 6] = [
    ("same-24", 250),
    ("sites-30", 273),
    ("runs-30", 300),
    ("random-8", 297),
    ("random-100", 368),
    ("random-2000", 490),
];
/// Instructions per frame of a stack whose code is new.
const NEW_FRAME: u64 = 2400;
/// How many more these may be in a program of fifty thousand functions than in one of two thousand, in percent. The
/// binary search in a table twenty-four times as large has five more steps.
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

/// Instructions of one step: the difference between a run and a longer one, which excludes the work that is done
/// once.
fn per_step(program: &str, arguments: [&str; 2], steps: u64) -> u64 {
    let of = |steps: u64| instructions(program, &[arguments[0], arguments[1], &steps.to_string()]);
    (of(2 * steps) - of(steps)) / steps
}

/// Instructions of a pair of an allocation and a free.
fn pair(allocator: &str, stacks: &str) -> u64 {
    per_step("bench-events", [allocator, stacks], 8_000)
}

/// Prints the figure and compares it with its limit. A figure far below means that the program does not do its work.
#[track_caller]
fn hold(what: &str, instructions: u64, limit: u64) {
    println!("{what}: {instructions} instructions, of {limit}");
    assert!((limit / 4..=limit).contains(&instructions), "{what}: {instructions} instructions, of {limit}");
}

#[test]
fn a_pair_without_its_stack_stays_within_its_limit() {
    hold("counters", pair("counters", "same-24") - pair("system", "same-24"), COUNTERS);
}

#[test]
fn a_stack_stays_within_its_limit() {
    for (stacks, limit) in CAPTURES {
        hold(stacks, pair("full", stacks) - pair("counters", stacks), limit);
    }
}

/// Each stack has sixteen new frames. Only the binary search depends on the size of the program.
#[test]
fn the_first_capture_costs_the_same_in_small_and_large_programs() {
    let new_frame = |program| per_step(program, ["captures", "memtrack"], 40) / 16;
    let [small, large] = ["bench-cold-small", "bench-cold-large"].map(new_frame);
    println!("in the small program {small}");
    hold("a new frame", large, NEW_FRAME);
    assert!(large <= small + small * LARGE / 100, "{small} instructions, in the large program {large}");
}
