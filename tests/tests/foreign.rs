//! Dumps of one program from other processors, with 64 bits and with the other byte order. They have the same figures
//! as the dump that the program writes on this machine, and the same stacks by name where the processor has an
//! unwinder. `cargo xtask foreign` makes them.

use std::fs;
use std::path::{Path, PathBuf};

use memtrack_tests::folded::{Folded, fold};
use memtrack_tests::{corpus, program};

/// Processors on which [`memtrack::Cfi`] is the default, and those without stacks.
const NAMED: [&str; 2] = ["aarch64", "riscv64"];
const WITHOUT_STACKS: [&str; 1] = ["s390x"];
/// Frames that are not the program's own: they differ between compilers, or have no symbol.
const OTHERS: &str =
    r"^(main|_.*|<.*|alloc::.*|core::.*|std::.*|libc.*|.*\+0x.*|\[.*\]|start_thread|.*clone.*)$";
const METRICS: [&str; 4] = ["allocs", "bytes", "live-blocks", "peak"];

/// The expected work, written by hand: `outer(3, 1000)`, then 50 and 5, 4, 3, 2, 1 on the main thread; `outer(2,
/// 300)` on the other. A resize counts the new block.
const BYTES: &str = include_str!("../corpus/foreign/work.folded");
const WORKER: &str = "foreign::worker";

fn kept(processor: &str, kind: &str) -> PathBuf {
    corpus::folder().join("foreign").join(processor).with_extension(kind)
}

fn shown(dump: &Path, options: &[&str], metric: &str) -> Folded {
    fold(dump, &[&["-m", metric, "--tag", "work", "--hide", OTHERS], options].concat())
}

fn lines(folded: &Folded) -> String {
    folded.stacks().map(|(stack, count)| format!("{} {count}\n", stack.join(";"))).collect()
}

/// The dump that the program writes on this machine.
fn here(test: &str) -> PathBuf {
    let dump = program::folder(test).join("here.memtrack");
    program::run(&program::of_workspace("foreign"), &[dump.to_str().expect("text")], &[]);
    dump
}

#[test]
fn stacks_are_the_same_by_name() {
    let dump = here("foreign_stacks");
    assert_eq!(lines(&shown(&dump, &[], "bytes")), BYTES);
    for metric in METRICS {
        let here = lines(&shown(&dump, &[], metric));
        for processor in NAMED {
            let symbols = kept(processor, "symbols");
            let named = ["--binary", symbols.to_str().expect("a path that is text")];
            let there = lines(&shown(&kept(processor, "memtrack"), &named, metric));
            assert_eq!(there, here, "{metric} on {processor}");
        }
    }
}

#[test]
fn figures_are_the_same_without_stacks() {
    let dump = here("foreign_figures");
    for metric in METRICS {
        let here = shown(&dump, &[], metric);
        for processor in WITHOUT_STACKS {
            let dump = kept(processor, "memtrack");
            let [all, worker] =
                [&[][..], &["--thread", "worker"]].map(|thread| shown(&dump, thread, metric).total());
            assert_eq!((all, worker), (here.total(), here.under(WORKER)), "{metric} on {processor}");
        }
    }
}

/// Each dump names its processor, and no part of it is damaged.
#[test]
fn each_names_its_processor() {
    let fold = program::of_workspace("memtrack-fold");
    for (processor, facts) in [
        ("aarch64", ["64-bit", "little-endian"]),
        ("riscv64", ["64-bit", "little-endian"]),
        ("s390x", ["64-bit", "big-endian"]),
    ] {
        let dump = kept(processor, "memtrack");
        assert!(fs::metadata(&dump).is_ok(), "{} is missing: run `cargo xtask foreign`", dump.display());
        let output = program::output(&fold, &["info", dump.to_str().expect("text")], &[]);
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{processor}: {}", output.status);
        assert!(
            said.contains(processor) && facts.iter().all(|fact| said.contains(fact)),
            "{processor}: {said}"
        );
        assert!(said.contains("read") && said.contains("index"), "stages of {processor}: {said}");
    }
}
