//! Small stacks, coroutines, alternate signal stacks, stacks deeper than the limit: the hook reads only memory that
//! exists, captures correct stacks, and counts what is missing.

use memtrack_format::LossCause;
use memtrack_tests::folded::{Folded, fold};
use memtrack_tests::program::{folder, run};
use memtrack_tests::snapshot;

/// Runs a scenario. Returns its graph, the events with an incomplete walk, and all lost events.
fn scenario(name: &str) -> (Folded, u64, u64) {
    let dump = folder(&format!("odd-stacks-{name}")).join("dump");
    run(env!("CARGO_BIN_EXE_odd_stacks"), &[name], &[("MEMTRACK_DUMP", dump.as_os_str())]);
    let bytes = snapshot::file(&dump);
    let snapshot = snapshot::last(&bytes);
    snapshot.assert_adds_up();
    let walks = snapshot.lost(LossCause::Unwind) + snapshot.lost(LossCause::TooDeep);
    (fold(&dump, &["--metric", "allocs"]), walks, snapshot.losses.iter().map(|loss| loss.events).sum())
}

/// Allocations of `leaf` called directly by `caller`, on any stack.
fn called(graph: &Folded, caller: &str, leaf: &str) -> u64 {
    let pair = [format!("odd_stacks::{caller}"), format!("odd_stacks::{leaf}")];
    let through = graph.stacks().filter(|(frames, _)| frames.windows(2).any(|window| *window == pair));
    through.map(|(_, count)| count).sum()
}

/// Allocations on stacks whose outer frames are missing.
fn truncated(graph: &Folded) -> u64 {
    graph.under("[truncated]")
}

#[test]
fn the_smallest_stacks_are_large_enough() {
    let (graph, _, lost) = scenario("small");
    assert_eq!(called(&graph, "small_first", "small_leaf"), 100);
    assert_eq!((truncated(&graph), lost), (0, 0));
    assert!(
        graph
            .stacks()
            .any(|(frames, _)| frames[0].contains("clone") && frames.contains(&"odd_stacks::small_leaf"))
    );
}

#[test]
fn coroutines_have_their_own_frames() {
    let (graph, walks, lost) = scenario("coroutine");
    assert_eq!(called(&graph, "coroutine_first", "coroutine_leaf"), 100);
    assert_eq!(called(&graph, "main_first", "main_leaf"), 100);
    // The system does not say where the stacks of coroutines begin: stacks may be cut there, and are then counted.
    assert_eq!((truncated(&graph), walks), (lost, lost));
    let mixed = graph.stacks().any(|(frames, _)| {
        frames.contains(&"odd_stacks::coroutine_leaf") && frames.contains(&"odd_stacks::coroutine")
    });
    assert!(!mixed, "the coroutine's stacks have no frames of the main program");
    assert!(
        graph.stacks().all(|(frames, _)| !frames.contains(&"odd_stacks::main_leaf") || frames[0] == "_start")
    );
}

/// A walk leads through the signal's frame back to the interrupted stack.
#[test]
fn handlers_on_an_alternate_stack_have_the_interrupted_frames() {
    let (graph, _, lost) = scenario("alternate");
    assert_eq!(called(&graph, "alternate_first", "alternate_leaf"), 100);
    assert_eq!(called(&graph, "main_first", "main_leaf"), 100);
    assert_eq!((truncated(&graph), lost), (0, 0));
    let chain = [
        "odd_stacks::main",
        "odd_stacks::alternate",
        "odd_stacks::alternate_first",
        "odd_stacks::alternate_leaf",
    ];
    let whole = graph.stacks().filter(|(frames, _)| {
        let own: Vec<_> = frames.iter().filter(|frame| chain.contains(frame)).collect();
        own == chain.iter().collect::<Vec<_>>() && frames[0] == "_start"
    });
    assert_eq!(whole.map(|(_, count)| count).sum::<u64>(), 100);
}

#[test]
fn deeper_stacks_lose_their_outer_frames_and_are_counted() {
    let (graph, walks, lost) = scenario("deep");
    assert_eq!((called(&graph, "deep", "deep_leaf"), truncated(&graph), walks, lost), (1, 1, 1, 1));
    let (frames, _) = graph.stacks().find(|(frames, _)| frames[0] == "[truncated]").unwrap();
    let depth = frames.iter().filter(|frame| **frame == "odd_stacks::deep").count();
    assert!((100..128).contains(&depth), "{depth} innermost calls");
}
