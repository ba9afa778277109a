//! `memtrack-fold merge` makes one dump of several.

use memtrack_format::{Cell, Kind, Node, TagName};

use crate::dumps::{self, Builder, cell, figures};
use crate::program::{Place, total};

/// A dump of the program of the other tests, loaded at another address. As there, `server+0x100` calls
/// `server+0x200`, but the ids of nodes and threads differ.
fn elsewhere(cells: &[Cell]) -> Builder {
    let mut builder = Builder::new(Kind::Program, 3);
    builder.record(&memtrack_format::Target { pid: 43, ..dumps::target(43) });
    let segments = [dumps::segment(0x77000, 0x1000, 0)];
    builder.record(&dumps::module(b"/opt/shop/server", b"\xab\xcd\xef", 0x77000, &segments));
    builder.record(&dumps::thread(5, b"main", cells));
    builder.record(&dumps::thread(6, b"render", cells));
    builder.node(8, Node::ROOT, 0x77100).node(9, 8, 0x77200).node(10, 9, 0x77500);
    cells.iter().for_each(|cell| _ = builder.record(cell));
    let figures = dumps::sum(cells.iter().map(|cell| cell.figures));
    let marks = memtrack_format::Marks {
        figures,
        frees: figures.allocs - figures.live_blocks,
        ..memtrack_format::Marks::default()
    };
    builder.record(&marks);
    builder
}

fn place() -> Place {
    let one = [cell(1, 1, 3, figures(20, 3, 4)), cell(2, 2, 5, figures(30, 5, 6))];
    let place = Place::with(&dumps::program(&one).finish());
    let other = [cell(1, 5, 9, figures(100, 1, 2)), cell(2, 6, 10, figures(50, 7, 8))];
    place.file("other.bin", &elsewhere(&other).finish());
    place
}

#[test]
fn sums_are_added_by_function_and_by_thread() {
    let place = place();
    assert_eq!(place.run("merge dump.bin other.bin -o all.bin").ok(), "");
    assert_eq!(
        place.run("all.bin -m allocs").ok(),
        "server+0x100;server+0x200 120\nserver+0x100;server+0x200;server+0x500 50\nserver+0x100;server+0x400 30\n"
    );
    assert_eq!(place.run("all.bin -m allocs -t main").ok(), "server+0x100;server+0x200 120\n");
    assert_eq!(place.run("all.bin -m allocs -t render").ok(), "server+0x100;server+0x200;server+0x500 50\n");
    for metric in ["allocs", "bytes", "live", "live-blocks", "peak", "peak-blocks", "temporary"] {
        let of = |name: &str| total(&place.run(&format!("{name} -m {metric}")).ok());
        assert_eq!(of("all.bin"), of("dump.bin") + of("other.bin"), "{metric}");
    }
}

#[test]
fn the_merged_peak_is_the_sum_of_peaks_and_the_equations_hold() {
    let place = place();
    place.run("merge dump.bin other.bin -o all.bin").ok();
    let info: serde_json::Value = serde_json::from_str(&place.run("info --json all.bin").ok()).unwrap();
    assert_eq!(info["totals"]["peak"], 2000, "1000 from each dump");
    assert_eq!(info["totals"]["allocs"], 200);
    assert_eq!(info["program"]["pid"], 0, "two processes");
    let main = info["threads"].as_array().unwrap().iter().find(|thread| thread["name"] == "main").unwrap();
    assert_eq!((&main["count"], &main["own_peak"]), (&2.into(), &400.into()), "the higher of its own peaks");
    let warnings = info["warnings"].to_string();
    assert!(!warnings.contains("do not add up"), "{warnings}");
}

#[test]
fn merging_is_deterministic_and_can_be_repeated() {
    let place = place();
    place.run("merge dump.bin other.bin -o all.bin").ok();
    place.run("merge dump.bin other.bin -o again.bin").ok();
    assert_eq!(
        std::fs::read(place.path("all.bin")).unwrap(),
        std::fs::read(place.path("again.bin")).unwrap()
    );
    place.run("merge all.bin dump.bin -o more.bin").ok();
    assert_eq!(total(&place.run("more.bin -m allocs").ok()), 250);
}

#[test]
fn stages_keep_their_highest_peak_with_its_cells() {
    let stage = |peak: u64, held: u64| {
        let mut builder = Builder::new(Kind::Stage, 0);
        builder.record(&dumps::target(42));
        let segments = [dumps::segment(0x10000, 0x1000, 0)];
        builder.record(&dumps::module(b"/opt/shop/server", b"\xab\xcd\xef", 0x10000, &segments));
        builder.record(&dumps::stage(b"parse", peak));
        let cells = [cell(1, 1, 2, figures(9, 0, held))];
        builder.record(&dumps::thread(1, b"main", &cells));
        builder.node(2, Node::ROOT, 0x10100);
        cells.iter().for_each(|cell| _ = builder.record(cell));
        let mut program = dumps::program(&dumps::cells());
        program.record(&TagName { id: 1, parent: 0, name: b"request" });
        program.record(&TagName { id: 2, parent: 1, name: b"db" });
        program.record(&dumps::stage(b"parse", peak));
        [builder.finish(), program.finish()].concat()
    };
    let place = Place::with(&stage(700, 7));
    place.file("other.bin", &stage(900, 9));
    place.run("merge dump.bin other.bin -o all.bin").ok();
    assert_eq!(place.run("all.bin -s parse -m peak").ok(), "server+0x100 900\n");
    let info: serde_json::Value = serde_json::from_str(&place.run("info --json all.bin").ok()).unwrap();
    let parse = &info["stages"][0];
    assert_eq!((&parse["runs"], &parse["peak"], &parse["allocs"]), (&4.into(), &900.into(), &180.into()));
    // Tags, cut and truncated stacks, and the unattributed cell stay the same.
    let doubled = place.run("dump.bin -m allocs").ok();
    let doubled: String = doubled
        .lines()
        .map(|line| line.rsplit_once(' ').unwrap())
        .map(|(stack, count)| format!("{stack} {}\n", 2 * count.parse::<u64>().unwrap()))
        .collect();
    assert_eq!(place.run("all.bin -m allocs").ok(), doubled);
}

#[test]
fn other_programs_are_refused_unless_forced() {
    let place = place();
    let cells = [cell(1, 1, 2, figures(1, 1, 1))];
    let mut builder = Builder::new(Kind::Program, 0);
    builder.record(&dumps::target(44));
    let segments = [dumps::segment(0x10000, 0x1000, 0)];
    builder.record(&dumps::module(b"/opt/shop/server", b"\x01\x02", 0x10000, &segments));
    builder.record(&dumps::thread(1, b"main", &cells));
    builder.node(2, Node::ROOT, 0x10100);
    cells.iter().for_each(|cell| _ = builder.record(cell));
    place.file("third.bin", &builder.finish());
    let line = place.run("merge dump.bin third.bin -o all.bin").refused(2);
    assert!(
        line.contains("third.bin is a dump of server with build id 0102, not of server with build id abcdef")
    );
    assert!(line.contains("--force"), "{line}");
    assert!(!place.path("all.bin").exists());
    place.run("merge dump.bin third.bin -o all.bin --force").ok();
    let folded = place.run("all.bin -m allocs").ok();
    assert_eq!(total(&folded), 51);
    assert!(folded.contains("server+0x100 1\n"), "the function of the other build stays apart: {folded}");
}

#[test]
fn the_undamaged_part_of_a_dump_is_merged() {
    let place = place();
    let whole = dumps::full();
    place.file("cut.bin", &whole[..whole.len() - 20]);
    let ran = place.run("merge dump.bin cut.bin -o all.bin");
    assert_eq!(ran.code, 3, "{}", ran.stderr);
    assert!(ran.stderr.lines().all(|line| line.starts_with("warning: cut.bin: ")), "{}", ran.stderr);
    let diff = place.run("diff cut.bin dump.bin");
    assert!(diff.stderr.contains("warning: cut.bin: the dump is cut off"), "{}", diff.stderr);
    let mut said = diff.stderr.lines().filter(|line| !line.is_empty());
    assert!(said.all(|line| line.contains(".bin: ")), "{}", diff.stderr);
    assert_eq!(total(&place.run("all.bin -m allocs").ok()), 50 + 450);
    assert_eq!(place.run("merge dump.bin -o all.bin").code, 2, "one is not enough");
    assert_eq!(place.run("merge dump.bin missing -o all.bin").code, 4);
}
