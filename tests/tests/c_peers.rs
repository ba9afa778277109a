//! A program with known allocations (`c/known.c`), counted by memtrack, heaptrack and valgrind's DHAT: all report the
//! known figures. A comment explains each difference.
//!
//! Planted bug: counting the allocator's size class instead of the requested bytes fails the first test.

use std::path::PathBuf;
use std::process::Command;

use memtrack_format::Figures;
use memtrack_tests::c::{self, Link};
use memtrack_tests::folded::fold;
use memtrack_tests::{program, snapshot};

/// The figures of the program: function, allocations, bytes, bytes at the peak, bytes at the end.
const KNOWN: [(&str, u64, u64, u64, u64); 8] = [
    ("keep", 100, 6400, 6400, 6400),
    ("leak", 7, 231, 231, 231),
    ("churn", 1000, 100_000, 0, 0),
    ("zero", 10, 5000, 5000, 0),
    ("grow", 11, 32_752, 16_384, 0),
    ("shrink", 2, 6000, 1000, 0),
    ("align", 3, 3000, 3000, 0),
    ("peak", 1, 50_000, 50_000, 0),
];
const REALLOCS: u64 = 11;
/// Blocks that the very next event freed: those of `churn` and `peak`.
const TEMPORARY: u64 = 1001;
const LIVE_BLOCKS: u64 = 107;
const PEAK_BLOCKS: u64 = 123;

fn sum(of: impl Fn(&(&str, u64, u64, u64, u64)) -> u64) -> u64 {
    KNOWN.iter().map(of).sum()
}

/// Builds the program in a folder of the tool that counts it.
fn build(name: &str, tool: &str) -> (PathBuf, PathBuf) {
    let folder = program::folder(&format!("c_peers-{tool}-{name}"));
    let built = folder.join(name);
    let flags = ["-std=gnu11", "-O1", "-fno-builtin"];
    c::build("gcc", &flags, &c::source(&format!("{name}.c")), Link::None, &built);
    (folder, built)
}

#[test]
fn memtrack_reports_the_known_figures() {
    let (folder, known) = build("known", "memtrack");
    let dump = folder.join("dump");
    assert!(c::preloaded(&mut Command::new(known), &dump).status.success());
    let bytes = snapshot::file(&dump);
    let last = snapshot::last(&bytes);
    last.assert_adds_up();
    let expected = Figures {
        allocs: sum(|of| of.1),
        bytes: sum(|of| of.2),
        live: sum(|of| of.4),
        live_blocks: LIVE_BLOCKS,
        peak: sum(|of| of.3),
        peak_blocks: PEAK_BLOCKS,
        temporary: TEMPORARY,
        reallocs: REALLOCS,
    };
    assert_eq!(last.marks.figures, expected);
    assert_eq!(last.marks.frees, expected.allocs - LIVE_BLOCKS);
    let fold = |metric: &str| fold(&dump, &["-m", metric]);
    let (allocs, bytes, peak, live) = (fold("allocs"), fold("bytes"), fold("peak"), fold("live"));
    for known in KNOWN {
        let found = [&allocs, &bytes, &peak, &live].map(|folded| folded.under(known.0));
        assert_eq!((known.0, found[0], found[1], found[2], found[3]), known);
    }
}

/// The summary of `heaptrack_print`: calls, temporary allocations, and peak and leaks in thousands of bytes.
fn heaptrack(name: &str) -> [f64; 4] {
    let (folder, program) = build(name, "heaptrack");
    c::run(Command::new("heaptrack").arg("-o").arg(folder.join("recorded")).arg(program));
    let recorded = std::fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .find(|path| path.file_name().unwrap().to_string_lossy().starts_with("recorded."))
        .expect("heaptrack's recording");
    let text = c::run(Command::new("heaptrack_print").arg(recorded));
    let number = |label: &str| -> f64 {
        let line = text.lines().rfind(|line| line.starts_with(label)).expect("a line of the summary");
        let value = line[label.len()..].split_whitespace().next().expect("a number");
        let (digits, unit) =
            value.split_at(value.find(|c: char| !"0123456789.".contains(c)).unwrap_or(value.len()));
        let unit = match unit {
            "K" => 1.0,
            "B" => 0.001,
            "" => 1.0,
            other => panic!("{label} {other}"),
        };
        digits.parse::<f64>().expect("a number") * unit
    };
    [
        number("calls to allocation functions: "),
        number("temporary memory allocations: "),
        number("peak heap memory consumption: "),
        number("total memory leaked: "),
    ]
}

#[test]
fn heaptrack_reports_the_same_apart_from_its_own_block() {
    let known = heaptrack("known");
    // heaptrack's preloaded library depends on the C++ library, which allocates a pool for exceptions: one block, 71
    // KiB here. A C program has no such block, and memtrack's library does not depend on C++. So heaptrack counts it
    // for every program.
    let own = heaptrack("empty");
    assert_eq!(own[0], 1.0);
    let [calls, temporary, peak, leaked] = [0, 1, 2, 3].map(|i| known[i] - own[i]);
    assert_eq!(calls, sum(|of| of.1) as f64);
    // heaptrack prints thousands of bytes, with two decimals.
    let thousands = |bytes: u64| bytes as f64 / 1000.0;
    assert!((peak - thousands(sum(|of| of.3))).abs() < 0.011, "{peak}");
    assert!((leaked - thousands(sum(|of| of.4))).abs() < 0.011, "{leaked}");
    // heaptrack counts a realloc as a free and an allocation. So a block that is resized right after its allocation
    // is temporary: the 11 of `grow` and `shrink`. memtrack counts a realloc as one event of a block that lives on.
    assert_eq!(temporary, (TEMPORARY + REALLOCS) as f64);
}

#[test]
fn dhat_reports_the_same() {
    let (folder, known) = build("known", "dhat");
    let mut valgrind = Command::new("valgrind");
    valgrind.arg("--tool=dhat").arg(format!("--dhat-out-file={}", folder.join("dhat").display())).arg(known);
    let output = c::output(&mut valgrind);
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{text}");
    // "==1234== At t-gmax: 82,015 bytes in 123 blocks"
    let numbers = |label: &str| -> (u64, u64) {
        let line = text.lines().find(|line| line.contains(label)).expect("a line of the summary");
        let rest = &line[line.find(label).unwrap() + label.len()..];
        let words: Vec<String> = rest.split_whitespace().map(|word| word.replace(',', "")).collect();
        (words[0].parse().unwrap(), words[3].parse().unwrap())
    };
    // DHAT also counts a realloc as an allocation, and none of valgrind's own blocks. There are no differences.
    assert_eq!(numbers("Total:"), (sum(|of| of.2), sum(|of| of.1)));
    assert_eq!(numbers("At t-gmax:"), (sum(|of| of.3), PEAK_BLOCKS));
    assert_eq!(numbers("At t-end:"), (sum(|of| of.4), LIVE_BLOCKS));
}
