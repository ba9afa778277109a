//! The content of each format, for one dump.

use crate::dumps;
use crate::program::{Place, total};

#[test]
fn folded_lines_show_every_cell() {
    let out = Place::with(&dumps::full()).run("dump.bin -m allocs").ok();
    assert_eq!(
        out,
        "[heap arena];server+0x100 90\n\
         [truncated] 60\n\
         [unattributed] 10\n\
         server+0x100;server+0x200 50\n\
         server+0x100;server+0x200;[cut: stack table full] 70\n\
         server+0x100;server+0x200;server+0x300 60\n\
         server+0x100;server+0x400 30\n\
         tag request;tag db;server+0x100;server+0x400 80\n"
    );
}

#[test]
fn every_metric_adds_up_to_the_sum_over_all_cells() {
    let place = Place::with(&dumps::full());
    let sum = dumps::sum(dumps::cells().iter().map(|cell| cell.figures));
    for (metric, expected) in [
        ("allocs", sum.allocs),
        ("bytes", sum.bytes),
        ("live", sum.live),
        ("live-blocks", sum.live_blocks),
        ("peak", sum.peak),
        ("peak-blocks", sum.peak_blocks),
        ("temporary", sum.temporary),
    ] {
        for more in ["", " --per-thread", " --reverse", " --hide 0x200", " --min-percent 20", " --no-inlines"]
        {
            let out = place.run(&format!("dump.bin -m {metric}{more}")).ok();
            assert_eq!(total(&out), expected, "{metric}{more}");
        }
    }
    assert_eq!(total(&place.run("dump.bin").ok()), sum.bytes, "bytes is the default");
}

#[test]
fn the_graph_names_its_metric_and_losses() {
    let place = Place::with(&dumps::full());
    let svg = place.run("dump.bin -m peak -f svg").ok();
    assert!(svg.starts_with("<?xml"));
    assert!(svg.contains("server: live bytes at the peak (8.79 KiB)"), "title");
    assert!(svg.contains("lost: 12 stacks truncated (stack deeper than the limit)"), "subtitle");
    assert!(svg.contains("<title>[unattributed] (200 bytes, 2.22%)</title>"));
    assert!(svg.contains("<title>all (9,000 bytes, 100%)</title>"));
    let named = place.run("dump.bin -f svg --title Tuesday<b> --color blue").ok();
    assert!(named.contains("Tuesday&lt;b&gt;") && !named.contains("Tuesday<b>"));
    assert_ne!(place.run("dump.bin -f svg --color hot").ok(), place.run("dump.bin -f svg --color blue").ok());
}

#[test]
fn the_report_has_sum_functions_and_tree() {
    let place = Place::with(&dumps::full());
    let text = place.run("dump.bin -m peak -f text").ok();
    let mut lines = text.lines();
    assert_eq!(lines.next(), Some("server: live bytes at the peak (8.79 KiB)"));
    let lost = "lost: 12 stacks truncated (stack deeper than the limit), 10 events without thread and stack \
                (event inside the hook (signal or interrupt))";
    assert_eq!(lines.next(), Some(lost));
    assert_eq!(lines.next(), Some("total: 9000 bytes"));
    // Own value, then value with calls: the cell at node 2, and the whole tree. The frame has two roots and
    // counts once for each.
    assert!(text.contains("  1.76 KiB  20.0%    7.42 KiB  84.4%  server+0x100\n"), "{text}");
    assert!(text.contains("  3.52 KiB  40.0%    server+0x200\n"), "{text}");
    let titled = place.run("dump.bin -f text --title Tuesday").ok();
    assert!(titled.starts_with("Tuesday\n"));
    let short = place.run("dump.bin -f text -m peak --min-percent 30").ok();
    let tree = short.split_once("outermost first").unwrap().1;
    assert!(!tree.contains("arena") && tree.contains("[other]"), "{tree}");
}

#[test]
fn an_empty_result_is_a_result() {
    let cells = [dumps::cell(1, 1, 4, dumps::figures(5, 0, 5))];
    let place = Place::with(&dumps::program(&cells).finish());
    assert_eq!(place.run("dump.bin -m live").ok(), "");
    assert!(place.run("dump.bin -m live -f svg").ok().contains("no live bytes"));
    assert!(place.run("dump.bin -m live -f text").ok().contains("total: 0 bytes"));
}

#[test]
fn equal_input_gives_equal_output() {
    let place = Place::with(&dumps::full());
    for arguments in
        ["dump.bin", "dump.bin -f svg", "dump.bin -f text", "info dump.bin", "info --json dump.bin"]
    {
        assert_eq!(place.run(arguments).ok(), place.run(arguments).ok(), "{arguments}");
    }
}
