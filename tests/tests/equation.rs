//! Attributed and lost events are all events; cells, threads and graphs add up to the whole. In programs with one
//! thread, with many, and in a larger one.

use std::path::Path;

use memtrack_tests::folded;
use memtrack_tests::program::{Facts, folder, of_workspace, output, run};
use memtrack_tests::snapshot::{self, Snapshot};

/// Asserts that the flame graphs, and the graphs of all threads, add up to the figures of the whole program.
fn graphs_add_up(dump: &Path, snapshot: &Snapshot<'_>) {
    let whole = snapshot.marks.figures;
    let sums = [
        ("bytes", whole.bytes),
        ("allocs", whole.allocs),
        ("live", whole.live),
        ("live-blocks", whole.live_blocks),
    ];
    for (metric, sum) in sums {
        let graph = folded::fold(dump, &["--metric", metric, "--no-symbols"]);
        assert_eq!(graph.total(), sum, "{metric}");
    }
    let peak = folded::fold(dump, &["--metric", "peak", "--no-symbols"]);
    assert_eq!(peak.total().abs_diff(whole.peak), snapshot.marks.mark_error, "peak");

    let of_thread = |id: u32| folded::fold(dump, &["--thread", &id.to_string(), "--no-symbols"]).total();
    let threads: u64 = snapshot.threads.iter().map(|thread| of_thread(thread.id)).sum();
    assert_eq!(threads, whole.bytes, "the graphs of all threads");
    let per_thread = folded::fold(dump, &["--per-thread"]);
    assert_eq!(per_thread.total(), whole.bytes, "the graph with threads as roots");
    // The unattributed part of the graphs is the part that was lost.
    let nobody = snapshot.cells(|cell| cell.id == 0).bytes;
    assert_eq!(per_thread.under("[unattributed]"), nobody);
}

fn is_what_the_program_said(snapshot: &Snapshot<'_>, facts: &Facts) {
    let figures = snapshot.marks.figures;
    let dumped = [figures.bytes, figures.allocs, figures.live, figures.live_blocks, figures.peak];
    let told = facts.all(["bytes", "allocs", "live", "live-blocks", "peak"]);
    assert_eq!(dumped.map(|n| n as i64), told, "bytes, allocations, live, blocks and peak at exit");
}

#[test]
fn holds_for_one_thread() {
    let folder = folder("equation-one");
    let dump = folder.join("dump");
    let running = folder.join("running");
    run(
        env!("CARGO_BIN_EXE_known"),
        &["stages", running.to_str().unwrap()],
        &[("MEMTRACK_DUMP", dump.as_os_str())],
    );
    for dump in [&dump, &running] {
        let bytes = snapshot::file(dump);
        let snapshot = snapshot::last(&bytes);
        snapshot.assert_adds_up();
        assert_eq!((snapshot.marks.mark_error, snapshot.marks.peak_error), (0, 0), "exact for one thread");
        assert!(snapshot.losses.is_empty(), "{:?}", snapshot.losses);
        graphs_add_up(dump, &snapshot);
    }
}

#[test]
fn holds_for_many_threads() {
    let dump = folder("equation-many").join("dump");
    let facts = run(env!("CARGO_BIN_EXE_traffic"), &["20000"], &[("MEMTRACK_DUMP", dump.as_os_str())]);
    for name in ["allocs", "bytes", "live-blocks", "live", "reallocs"] {
        assert_eq!(facts.get(name), facts.get(&format!("audited {name}")), "{name}");
    }
    assert!(facts.get("allocs") > 12 * 20_000 && facts.get("peak") >= facts.get("live"));
    assert_eq!(facts.all(["failed", "lost"]), [0, 0]);
    let bytes = snapshot::file(&dump);
    let snapshot = snapshot::last(&bytes);
    snapshot.assert_adds_up();
    is_what_the_program_said(&snapshot, &facts);
    graphs_add_up(&dump, &snapshot);
    for stage in snapshot::read(&bytes).iter().filter(|snapshot| !snapshot.stages.is_empty()) {
        assert!(stage.stages.iter().all(|stage| stage.peak >= stage.live_before.max(stage.live_after)));
    }
}

/// The example program, run on the sources of this project.
#[test]
fn holds_for_a_real_program() {
    let folder = folder("equation-real");
    let (metadata, dump) = (folder.join("metadata.json"), folder.join("dump"));
    std::fs::write(&metadata, own_packages()).unwrap();
    let arguments =
        ["stack frame", "--metadata", metadata.to_str().unwrap(), "--dump", dump.to_str().unwrap()];
    let output = output(&of_workspace("word-index"), &arguments, &[]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let bytes = snapshot::file(&dump);
    let snapshot = snapshot::last(&bytes);
    snapshot.assert_adds_up();
    assert!(snapshot.losses.is_empty(), "{:?}", snapshot.losses);
    assert!(snapshot.cells.len() > 100 && snapshot.threads.len() > 4 && snapshot.stages.len() == 7);
    graphs_add_up(&dump, &snapshot);
}

/// The output of `cargo metadata` for the packages of this workspace.
fn own_packages() -> String {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let package = |name: &str| {
        let manifest = workspace.join(name).join("Cargo.toml");
        let manifest = manifest.to_str().expect("a path that is text");
        format!(r#"{{"name":"{name}","version":"1.0.0","source":"registry","manifest_path":{manifest:?}}}"#)
    };
    let packages = ["core", "format", "host-tools", "tests", "xtask"].map(package);
    format!(r#"{{"packages":[{}]}}"#, packages.join(","))
}
