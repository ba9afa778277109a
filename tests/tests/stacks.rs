//! The stack of a known chain of calls is exactly that chain: by name, from the outermost frame to the function that
//! allocated, without frame pointers.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use memtrack_tests::folded::{Folded, fold};
use memtrack_tests::program::{folder, output, run};
use memtrack_tests::snapshot;

static FOLDED: LazyLock<Folded> = LazyLock::new(|| {
    let dump = folder("stacks").join("dump");
    run(env!("CARGO_BIN_EXE_chain"), &[], &[("MEMTRACK_DUMP", dump.as_os_str())]);
    let bytes = snapshot::file(&dump);
    assert!(snapshot::last(&bytes).losses.is_empty(), "all stacks are complete");
    fold(&dump, &["--metric", "allocs"])
});

/// The stacks through a leaf, from the first frame of this program to the leaf.
fn stacks(leaf: &str) -> Vec<Vec<&'static str>> {
    let leaf = format!("chain::{leaf}");
    let to_leaf = FOLDED.stacks().filter_map(|(mut frames, _)| {
        let end = frames.iter().position(|frame| *frame == leaf)?;
        // The leaf only calls the standard library, inlined or not.
        assert!(frames[end + 1..].iter().all(|frame| frame.contains("alloc::")), "{frames:?}");
        frames.truncate(end + 1);
        let root = if leaf.contains("thread") { "clone" } else { "_start" };
        assert!(frames[0].contains(root), "the outermost frame: {frames:?}");
        let start = frames.iter().position(|frame| frame.starts_with("chain::"));
        Some(frames.split_off(start.expect("a frame of the program")))
    });
    to_leaf.collect()
}

fn own(frames: &[&'static str]) -> Vec<&'static str> {
    frames.iter().copied().filter(|frame| frame.contains("chain::")).collect()
}

#[test]
fn of_functions() {
    let chain = [
        "chain::main",
        "chain::plain_first",
        "chain::plain_second",
        "chain::plain_third",
        "chain::plain_leaf",
    ];
    assert_eq!(stacks("plain_leaf"), [chain]);
}

#[test]
fn of_closures() {
    let chain = [
        "chain::main",
        "chain::closures",
        "chain::call",
        "chain::closures::{{closure}}",
        "chain::closure_leaf",
    ];
    assert_eq!(stacks("closure_leaf"), [chain]);
}

#[test]
fn of_generics() {
    let number = ["chain::main", "chain::generic", "<u64 as chain::Leaf>::leaf", "chain::number_leaf"];
    let text =
        ["chain::main", "chain::generic", "<alloc::string::String as chain::Leaf>::leaf", "chain::text_leaf"];
    assert_eq!(stacks("number_leaf"), [number]);
    assert_eq!(stacks("text_leaf"), [text]);
}

#[test]
fn of_methods_behind_a_trait() {
    let chain = [
        "chain::main",
        "chain::method_caller",
        "<chain::Circle as chain::Shape>::draw",
        "chain::method_leaf",
    ];
    assert_eq!(stacks("method_leaf"), [chain]);
}

#[test]
fn of_recursion() {
    let mut chain = vec!["chain::main"];
    chain.extend(["chain::recursion"; 10]);
    chain.push("chain::recursion_leaf");
    assert_eq!(stacks("recursion_leaf"), [chain]);
}

/// The C library's sort merges in several depths of recursion, with frames that this program cannot know.
#[test]
fn through_the_c_library() {
    let stacks = stacks("compare_leaf");
    assert!(!stacks.is_empty());
    for frames in stacks {
        assert_eq!(own(&frames), ["chain::main", "chain::sorting", "chain::compare", "chain::compare_leaf"]);
        assert!(frames.len() > 4 && frames[2].contains("qsort"), "{frames:?}");
    }
}

#[test]
fn of_a_thread() {
    let chain = ["chain::thread_first", "chain::thread_second", "chain::thread_leaf"];
    assert_eq!(stacks("thread_leaf"), [chain]);
}

/// The stack leads through the frame that the kernel made to the interrupted code.
#[test]
fn of_a_signal_handler() {
    let [frames] = &stacks("handler_leaf")[..] else { panic!("one stack") };
    assert_eq!(own(frames), ["chain::main", "chain::signals", "chain::handler", "chain::handler_leaf"]);
    assert!(frames.len() > 5 && frames[2].contains("raise"), "{frames:?}");
}

/// About ten thousand different stacks in random order, most of them several times, on two threads at once: no stack
/// is taken for another.
#[test]
fn of_random_walks() {
    let dump = folder("stacks-wander").join("dump");
    let output = output(env!("CARGO_BIN_EXE_wander"), &["4000"], &[("MEMTRACK_DUMP", dump.as_os_str())]);
    assert!(output.status.success());
    let mut expected = BTreeMap::<String, u64>::new();
    for path in str::from_utf8(&output.stdout).unwrap().lines() {
        *expected.entry(path.into()).or_default() += 1;
    }
    let bytes = snapshot::file(&dump);
    assert!(snapshot::last(&bytes).losses.is_empty(), "all stacks are complete");

    let mut told = BTreeMap::<String, u64>::new();
    for (frames, count) in fold(&dump, &["--metric", "allocs"]).stacks() {
        if !frames.contains(&"wander::leaf") {
            continue;
        }
        // Each function of the walk has a name of one letter. Between two of them is a step.
        let names = frames.iter().filter_map(|frame| frame.strip_prefix("wander::"));
        let path: String = names.filter(|name| name.len() == 1).collect();
        let steps = frames.iter().filter(|frame| **frame == "wander::Walk::step").count();
        assert_eq!(steps, path.len() + 1, "{frames:?}");
        *told.entry(path).or_default() += count;
    }
    assert!(expected.len() > 1000, "{} different stacks", expected.len());
    assert_eq!(told.len(), expected.len());
    assert!(told == expected, "a stack was counted as another");
}

#[test]
fn have_no_missing_frames() {
    for (frames, _) in FOLDED.stacks() {
        assert!(!frames.iter().any(|frame| frame.starts_with('[')), "{frames:?}");
    }
}

/// Shows that these chains prove something: only unwind tables lead through them.
#[test]
#[cfg(target_arch = "x86_64")]
fn without_frame_pointers() {
    let facts = run(env!("CARGO_BIN_EXE_chain"), &[], &[]);
    assert_eq!(facts.get("functions with a frame pointer"), 0);
}
