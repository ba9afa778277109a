//! Stages, and files of several snapshots.

use std::process::Command;

use memtrack_format::{Cell, Kind, Loss, LossCause, Node};

use crate::dumps::{self, Builder, cell, figures};
use crate::program::{Place, total};

/// The snapshot of a finished stage. `nodes` are those that no earlier snapshot has.
fn stage(sequence: u32, pid: u32, name: &[u8], nodes: &[(u32, u32, u64)], cells: &[Cell]) -> Builder {
    let mut builder = Builder::new(Kind::Stage, sequence);
    builder.record(&dumps::target(pid));
    builder.record(&dumps::module(b"/opt/shop/server", b"", 0x10000, &[dumps::segment(0x10000, 0x1000, 0)]));
    builder.record(&dumps::thread(1, b"main", cells));
    let peak = dumps::sum(cells.iter().map(|cell| cell.figures)).peak;
    builder.record(&dumps::stage(name, peak));
    nodes.iter().for_each(|&(id, parent, address)| _ = builder.node(id, parent, address));
    cells.iter().for_each(|cell| _ = builder.record(cell));
    builder
}

/// Two stages and the program, in the order in which `MEMTRACK_DUMP` writes them.
fn run() -> Vec<u8> {
    let parse =
        stage(0, 42, b"parse", &[(2, 0, 0x10100), (3, 2, 0x10200)], &[cell(1, 1, 3, figures(10, 0, 7))]);
    let cells = [cell(1, 1, 3, figures(10, 0, 1)), cell(2, 1, 4, figures(20, 0, 9))];
    let render = stage(1, 42, b"render", &[(4, 3, 0x10300)], &cells);
    [parse.finish(), render.finish(), dumps::full()].concat()
}

#[test]
fn the_whole_program_is_the_default() {
    let place = Place::with(&run());
    assert_eq!(place.run("dump.bin").ok(), Place::with(&dumps::full()).run("dump.bin").ok());
}

#[test]
fn a_stage_shows_its_own_cells_at_its_peak() {
    let place = Place::with(&run());
    assert_eq!(place.run("dump.bin -s parse -m peak").ok(), "server+0x100;server+0x200 700\n");
    assert_eq!(
        place.run("dump.bin --stage render -m peak-blocks").ok(),
        "server+0x100;server+0x200 1\nserver+0x100;server+0x200;server+0x300 9\n",
        "nodes of earlier snapshots are known"
    );
    let svg = place.run("dump.bin -s render -m peak -f svg").ok();
    assert!(svg.contains("stage render at its peak"));
}

#[test]
fn the_run_with_the_highest_peak_is_shown() {
    let nodes = [(2, 0, 0x10100)];
    let file: Vec<u8> = [3, 8, 5]
        .iter()
        .enumerate()
        .flat_map(|(i, &peak)| {
            let nodes = if i == 0 { &nodes[..] } else { &[] };
            stage(i as u32, 42, b"parse", nodes, &[cell(1, 1, 2, figures(10, 0, peak))]).finish()
        })
        .collect();
    let ran = Place::with(&file).run("dump.bin -s parse -m peak-blocks");
    assert_eq!(ran.ok(), "server+0x100 8\n");
}

#[test]
fn nodes_of_another_process_are_not_used() {
    let cells = [cell(1, 1, 3, figures(1, 0, 1))];
    let first = stage(0, 42, b"a", &[(2, 0, 0x10100), (3, 2, 0x10200)], &cells);
    let other = stage(0, 43, b"b", &[(2, 0, 0x10500), (3, 2, 0x10600)], &cells);
    let third = stage(0, 44, b"c", &[(3, 2, 0x10700)], &cells);
    let place = Place::with(&[first.finish(), other.finish(), third.finish()].concat());
    assert_eq!(place.run("dump.bin -s b -m peak-blocks").ok(), "server+0x500;server+0x600 1\n");
    assert_eq!(
        place.run("dump.bin -s c -m peak-blocks").ok(),
        "[truncated];server+0x700 1\n",
        "a missing node means that outer frames are missing"
    );
}

#[test]
fn without_the_whole_program_the_last_stage_is_shown() {
    let file = stage(0, 42, b"parse", &[(2, 0, 0x10100)], &[cell(1, 1, 2, figures(10, 0, 3))]).finish();
    let ran = Place::with(&file).run("dump.bin -m peak-blocks");
    assert_eq!((ran.code, ran.stdout.as_str()), (0, "server+0x100 3\n"));
    assert!(
        ran.stderr.contains("warning: the dump has no snapshot of the whole program: showing its last stage")
    );
}

#[test]
fn all_stages_of_a_killed_program_are_listed_and_checked() {
    let first = stage(0, 42, b"parse", &[(2, 0, 0x10100)], &[cell(1, 1, 2, figures(10, 0, 9))]);
    let last = stage(1, 42, b"render", &[], &[cell(1, 1, 2, figures(10, 0, 3))]);
    let place = Place::with(&[first.finish(), last.finish()].concat());
    let listed = place.run("dump.bin --list-stages").stdout;
    let names: Vec<&str> = listed.lines().skip(1).filter_map(|line| line.split(' ').next()).collect();
    assert_eq!(names, ["parse", "render"], "{listed}");
    let ran = place.run("check dump.bin --max-stage-peak parse=899");
    assert_eq!(ran.code, 1, "{}{}", ran.stdout, ran.stderr);
    assert_eq!(place.run("check dump.bin --max-stage-peak parse=900 --max-stage-peak render=300").code, 0);
}

#[test]
fn figures_that_are_not_the_stages_own_cause_a_warning() {
    let place = Place::with(&run());
    let ran = place.run("dump.bin -s render -m allocs -f text");
    assert!(
        ran.stderr
            .contains("allocations are those of the program up to the end of the stage: use --metric peak")
    );
    assert!(ran.stdout.contains("from the program's start to the end of stage render"), "{}", ran.stdout);
    assert!(!place.run("dump.bin -s render -m peak").stderr.contains("--metric"));
    // The list of stages says 9000 bytes, the snapshot has 700.
    let ran = place.run("dump.bin -s parse -m peak");
    assert!(
        ran.stderr.contains(
            "the stage's highest peak was 8.79 KiB, but the dump has cells only of a run with 700 B"
        ),
        "{}",
        ran.stderr
    );
}

/// A stage of one thread, which owns the cells.
fn of_thread(sequence: u32, thread: u32, name: &[u8], cells: &[Cell]) -> Builder {
    let mut builder = Builder::new(Kind::Stage, sequence);
    builder.record(&dumps::target(42));
    builder.record(&dumps::module(b"/opt/shop/server", b"", 0x10000, &[dumps::segment(0x10000, 0x1000, 0)]));
    builder.record(&dumps::thread(thread, b"worker", cells));
    let peak = dumps::sum(cells.iter().map(|cell| cell.figures)).peak;
    builder.record(&memtrack_format::Stage { scope: thread + 1, ..dumps::stage(name, peak) });
    cells.iter().for_each(|cell| _ = builder.record(cell));
    builder
}

/// Stages called `parse`, of the process and of two threads. Their nodes are those of [`run`].
fn namesakes() -> Vec<u8> {
    let of = |sequence, thread, blocks| {
        of_thread(sequence, thread, b"parse", &[cell(thread, thread, 3, figures(10, 0, blocks))]).finish()
    };
    let process = stage(
        0,
        42,
        b"parse",
        &[(2, 0, 0x10100), (3, 2, 0x10200), (4, 3, 0x10300)],
        &[cell(1, 1, 3, figures(10, 0, 5))],
    );
    [process.finish(), of(1, 1, 4), of(2, 2, 7), dumps::full()].concat()
}

#[test]
fn threads_distinguish_stages_of_one_name() {
    let place = Place::with(&namesakes());
    let ran = place.run("dump.bin -s parse -m peak-blocks");
    assert_eq!((ran.code, total(&ran.stdout)), (0, 7), "the highest");
    assert!(
        ran.stderr.contains(
            "several stages are called parse: this is that of thread 2, whose peak was the highest; --thread"
        ),
        "{}",
        ran.stderr
    );
    for (thread, blocks) in [("1", 4), ("2", 7)] {
        let ran = place.run(&format!("dump.bin -s parse -m peak-blocks -t {thread}"));
        assert_eq!((ran.code, total(&ran.stdout)), (0, blocks), "{}", ran.stderr);
        assert!(!ran.stderr.contains("several stages"), "{}", ran.stderr);
    }
    // By the label that threads of one name have in the whole program.
    let program = Command::new(env!("CARGO_BIN_EXE_memtrack-fold"))
        .args(["dump.bin", "-s", "parse", "-m", "peak-blocks", "-t", "worker #2"])
        .current_dir(place.dir.path())
        .output()
        .unwrap();
    assert_eq!(total(&String::from_utf8_lossy(&program.stdout)), 7, "{program:?}");
    place.run("merge dump.bin dump.bin -o merged.bin").ok();
    let merged = place.run("info --json merged.bin").ok();
    let merged: serde_json::Value = serde_json::from_str(&merged).unwrap();
    let stages = merged["snapshots"].as_array().unwrap().iter().filter(|of| of["kind"] == "stage");
    assert_eq!(stages.count(), 3, "of the process and of each thread");
    assert_eq!(total(&place.run("merged.bin -s parse -m peak-blocks -t 1").ok()), 4);
}

#[test]
fn a_stage_without_cells_says_how_to_get_them() {
    let line = Place::with(&dumps::full()).run("dump.bin -s parse").refused(2);
    assert!(line.contains("not its cells: set MEMTRACK_DUMP or call dump_stages_to"), "{line}");
}

#[test]
fn losses_of_a_stage_are_shown_with_it() {
    let mut builder = Builder::new(Kind::Stage, 0);
    builder.record(&dumps::target(42));
    builder.record(&memtrack_format::Stage { lost: 3, ..dumps::stage(b"parse", 100) });
    builder.node(2, Node::ROOT, 0x99).record(&cell(1, 1, 2, figures(1, 1, 1)));
    builder.record(&Loss { cause: LossCause::Reentered, events: 3 });
    let ran = Place::with(&builder.finish()).run("dump.bin -s parse -f svg --no-symbols");
    assert!(ran.stdout.contains("lost: 3 events while it ran"));
    assert!(ran.stderr.contains("3 events without thread and stack"));
}

#[test]
fn complete_snapshots_are_preferred() {
    let whole = dumps::program(&[cell(1, 1, 2, figures(1, 1, 1))]).finish();
    let later = dumps::full();
    let cut = &later[..later.len() - 20];
    let both = Place::with(&[&whole[..], cut].concat()).run("dump.bin -m allocs");
    assert_eq!((both.code, both.stdout.as_str()), (3, "server+0x100 1\n"));
    assert!(both.stderr.starts_with("warning: "), "{}", both.stderr);
    let alone = Place::with(cut).run("dump.bin -m allocs");
    assert_eq!((alone.code, total(&alone.stdout)), (3, 450));
    assert!(alone.stderr.contains("the snapshot is incomplete"), "{}", alone.stderr);
}

#[test]
fn a_report_has_the_stages_with_the_highest_peaks() {
    let mut file = Vec::new();
    for number in 0..250u32 {
        // Peaks from 0 to 249, in mixed order.
        let peak = u64::from(number * 97 % 250);
        let name = format!("stage {number:03}");
        let cells = [cell(1, 1, 2, figures(300, 0, peak))];
        file.extend(stage(number, 42, name.as_bytes(), &[(2, 0, 0x10100)], &cells).finish());
    }
    let dump = memtrack_host_tools::reader::Dump::open("dump".as_ref(), &file).unwrap();
    let shown = memtrack_host_tools::select::stages(&dump);
    let peaks: Vec<u64> =
        shown.iter().map(|selected| dump.entries()[selected.index].stage.unwrap().peak).collect();
    assert_eq!((peaks.len(), peaks.iter().min()), (100, Some(&15_000)));
    let indexes: Vec<usize> = shown.iter().map(|selected| selected.index).collect();
    assert!(indexes.is_sorted(), "in the order of their names");
    assert_eq!(memtrack_host_tools::select::stages_of_threads(&dump).len(), 250);
}
