//! `memtrack-fold info`.

use crate::dumps;
use crate::program::Place;

#[test]
fn losses_come_first() {
    let out = Place::with(&dumps::full()).run("info dump.bin").ok();
    let mut lines = out.lines();
    assert_eq!(lines.next(), Some("LOST     12 stacks truncated (stack deeper than the limit)"));
    assert_eq!(lines.next(), Some("         raise the region's stack depth"));
    assert!(lines.next().unwrap().starts_with("LOST     10 events without thread and stack"));
    assert!(lines.next().unwrap().starts_with("WARNING  4 addresses without a name"));
    assert_eq!(lines.next(), Some("program    server (process 42)"));
    assert_eq!(lines.next(), Some("command    /opt/shop/server --port 1"));
    assert_eq!(lines.next(), Some("target     linux x86_64, 64-bit little-endian"));
    assert_eq!(lines.next(), Some("unwinder   cfi"));
    assert_eq!(
        lines.next(),
        Some("shown      program, taken on exit after 1.50 s; snapshot 1 of 1 in the file")
    );
    assert!(out.contains("allocated  43.9 KiB in 450 allocations: 0 reallocated, 45 temporary, 369 freed"));
    assert!(out.contains("peak       8.79 KiB in 90 blocks"));
    assert!(out.contains("stack nodes         4  1 024  0.4%"), "{out}");
    assert!(out.contains("worker #2"));
    assert!(out.contains("abcdef"), "build id");
}

#[test]
fn without_losses_there_is_no_line_about_them() {
    let out = Place::with(&dumps::program(&[]).finish()).run("info dump.bin").ok();
    assert!(out.starts_with("program    server"), "{out}");
}

#[test]
fn damage_is_reported_with_the_rest() {
    let bytes = dumps::full();
    let ran = Place::with(&bytes[..bytes.len() - 30]).run("info dump.bin");
    assert_eq!(ran.code, 3);
    assert!(ran.stdout.contains("WARNING  the dump is cut off at byte"), "{}", ran.stdout);
    assert!(ran.stdout.contains("program    server"));
}

#[test]
fn machines_get_json() {
    let out = Place::with(&dumps::full()).run("info --json dump.bin").ok();
    let value: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!(value["version"], 1);
    assert_eq!(value["program"]["name"], "server");
    assert_eq!(value["program"]["pid"], 42);
    assert_eq!(value["losses"][0]["events"], 12);
    assert_eq!(value["totals"]["bytes"], 45_000);
    assert_eq!(value["totals"]["peak_blocks"], 90);
    assert_eq!(value["threads"][2]["label"], "worker #2");
    assert_eq!(value["threads"][2]["figures"]["allocs"], 200);
    assert_eq!(value["stages"][0]["name"], "parse");
    assert_eq!(value["stages"][0]["cells"], false);
    assert_eq!(value["stages"][0]["threads"][0]["peak"], 400);
    assert_eq!(value["modules"][0]["build_id"], "abcdef");
    assert_eq!(value["modules"][0]["unnamed"], 4);
    assert_eq!(value["snapshots"][0]["complete"], true);
    assert_eq!(value["tables"][0]["capacity"], 1024);
    assert_eq!(value["time_ns"], 1_500_000_000_u64);
    for of in ["tags", "heaps"] {
        let all = value[of].as_array().unwrap();
        assert!(all.iter().all(|one| one["name"].is_string() && one["figures"]["bytes"].is_u64()), "{all:?}");
    }
}

#[test]
fn every_part_of_a_dump_is_in_text_and_json() {
    let mut cells = dumps::cells();
    (cells[0].tag, cells[1].tag, cells[1].heap) = (1, 2, 1);
    let mut builder = dumps::program(&cells);
    for (id, parent, name) in [(1, 0, "request"), (2, 1, "upload")] {
        builder.record(&memtrack_format::TagName { id, parent, name: name.as_bytes() });
    }
    builder.record(&memtrack_format::Heap { id: 1, name: b"gpu" });
    for (time_ns, high, live) in [(1_000_000, 40, 10), (2_000_000, 80, 80)] {
        builder.record(&memtrack_format::TimePoint { time_ns, high, live });
    }
    for (thread, class) in [(cells[0].thread, 5), (cells[1].thread, 9)] {
        builder.record(&memtrack_format::SizeClass { thread, class, allocs: 7, bytes: 77 });
    }
    let threads = [(1, 1024), (77, 1), (2, 1), (3, 1), (4, 1)];
    let threads = threads.map(|(thread, peak)| memtrack_format::ThreadPeak { thread, peak });
    builder.record(&memtrack_format::Stage {
        peak_time_ns: 2_500_000,
        lost: 3,
        threads: memtrack_format::List::Items(&threads),
        ..dumps::stage(b"encode", 9000)
    });
    let place = Place::with(&builder.finish());
    let value: serde_json::Value = serde_json::from_str(&place.run("info --json dump.bin").ok()).unwrap();
    assert_eq!(value["tags"][1]["parent"], 1);
    let sum = |of: fn(&memtrack_format::Cell) -> u32, id| {
        cells.iter().filter(|cell| of(cell) == id).map(|cell| cell.figures.bytes).sum::<u64>()
    };
    // Allocations under this tag, but under no tag inside of it.
    assert_eq!(value["tags"][0]["figures"]["bytes"], sum(|cell| cell.tag, 1));
    assert_eq!(value["heaps"][0]["figures"]["bytes"], sum(|cell| cell.heap, 1));
    assert_eq!(value["timeline"][1], serde_json::json!([2_000_000, 80, 80]));
    let threads = value["threads"].as_array().unwrap();
    let thread = threads.iter().find(|thread| thread["id"] == cells[0].thread).unwrap();
    assert!(thread["sizes"].as_array().unwrap().iter().any(|size| size["class"] == 5 && size["allocs"] == 7));

    let text = place.run("info dump.bin").ok();
    let words = |begin: &str| {
        let line = text.lines().find(|line| line.starts_with(begin)).unwrap_or_else(|| panic!("{text}"));
        line.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    assert!(words("stage ").ends_with("time peak at lost of cells highest threads"), "{text}");
    assert!(
        words("encode").ends_with(
            "2.00 ms 2.50 ms 3 process no main 1.00 KiB, thread #77 1 B, worker #2 1 B … and 2 more"
        ),
        "{text}"
    );
    assert!(text.contains("request › upload") && text.contains("heaps by bytes"), "{text}");
    let over_time = text.lines().find(|line| line.starts_with("over time")).expect("a timeline");
    assert!(
        over_time.contains('▄') && over_time.contains('█') && over_time.ends_with("2.00 ms"),
        "{over_time}"
    );
}

#[test]
fn a_contradictory_timeline_is_drawn() {
    let mut builder = dumps::program(&dumps::cells());
    for (time_ns, high, live) in [(10, 9, 70), (60, 1, 0), (u64::MAX, 0, 3), (100, 2, 0)] {
        builder.record(&memtrack_format::TimePoint { time_ns, high, live });
    }
    let text = Place::with(&builder.finish()).run("info dump.bin").ok();
    assert!(text.lines().any(|line| line.starts_with("over time  ") && line.contains('█')), "{text}");
}

#[test]
fn sizes_of_blocks_are_listed_by_class() {
    let mut builder = dumps::program(&dumps::cells());
    for (class, allocs) in [(7, 400), (5, 50)] {
        builder.record(&memtrack_format::SizeClass { thread: u32::MAX, class, allocs, bytes: 100 * allocs });
    }
    let place = Place::with(&builder.finish());
    let text = place.run("info dump.bin").ok();
    let (_, sizes) = text.split_once("sizes of blocks\n").unwrap();
    let rows: Vec<&str> = sizes.lines().skip(1).take(2).collect();
    assert_eq!(
        rows[0].split_whitespace().collect::<Vec<_>>().join(" "),
        "16 B – 31 B 50 11.1% 4.88 KiB 11.1%"
    );
    assert_eq!(
        rows[1].split_whitespace().collect::<Vec<_>>().join(" "),
        "64 B – 127 B 400 88.9% 39.1 KiB 88.9%"
    );
    let json: serde_json::Value = serde_json::from_str(&place.run("info --json dump.bin").ok()).unwrap();
    assert_eq!(json["sizes"][0], serde_json::json!({ "class": 5, "allocs": 50, "bytes": 5000 }));
}
