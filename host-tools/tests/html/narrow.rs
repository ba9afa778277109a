//! Every selection changes all numbers below it.

use memtrack_format::{Cell, Kind, Loss, LossCause, Node, SizeClass, Stage, TagName, TimePoint};

use crate::browser::{BACKSPACE, Browser, DOWN, ENTER, ESCAPE, RIGHT};
use crate::dumps::{self, Builder, cell, figures};
use crate::program::Place;

/// The whole program of the other suites, with two stages: `parse` has cells of its own, 700 bytes at its
/// peak; `render` has none.
fn dump() -> Vec<u8> {
    let mut stage = Builder::new(Kind::Stage, 0);
    stage.record(&dumps::target(42));
    stage.record(&dumps::module(
        b"/opt/shop/server",
        b"\xab\xcd\xef",
        0x10000,
        &[dumps::segment(0x10000, 0x1000, 0)],
    ));
    stage.record(&parse());
    let cells = [cell(1, 1, 4, figures(9, 0, 3)), cell(2, 1, 5, figures(9, 0, 4))];
    stage.record(&dumps::thread(1, b"main", &cells));
    stage.node(2, Node::ROOT, 0x10100).node(3, 2, 0x10200).node(4, 3, 0x10300).node(5, 2, 0x10400);
    cells.iter().for_each(|cell| _ = stage.record(cell));
    let mut program = dumps::program(&dumps::cells());
    program.record(&TagName { id: 1, parent: 0, name: b"request" });
    program.record(&TagName { id: 2, parent: 1, name: b"db" });
    program.record(&parse());
    program.record(&Stage {
        name: b"render",
        begin_ns: 800_000_000,
        end_ns: 1_400_000_000,
        ..dumps::stage(b"", 500)
    });
    for (class, allocs) in [(7, 400), (5, 50)] {
        program.record(&SizeClass { thread: u32::MAX, class, allocs, bytes: 100 * allocs });
    }
    for (time_ns, live) in [(100_000_000, 4000), (900_000_000, 8500), (1_400_000_000, 8100)] {
        program.record(&TimePoint { time_ns, high: live, live });
    }
    program.record(&Loss { cause: LossCause::TooDeep, events: 12 });
    program.record(&Loss { cause: LossCause::Reentered, events: 10 });
    [stage.finish(), program.finish()].concat()
}

fn parse() -> Stage<'static> {
    let times = Stage {
        begin_ns: 100_000_000,
        end_ns: 700_000_000,
        peak_time_ns: 300_000_000,
        ..dumps::stage(b"", 700)
    };
    Stage { name: b"parse", runs: 1, ..times }
}

/// A browser that shows the report of [`dump`].
fn report(options: &str) -> Option<(Browser, Place)> {
    let browser = Browser::start(1440, 900)?;
    let place = Place::with(&dump());
    place.run(&format!("dump.bin -o report.html {options}")).ok();
    browser.open(&place.path("report.html"));
    Some((browser, place))
}

fn total(browser: &Browser) -> String {
    browser.text("#flame-total").replace('\u{202f}', " ")
}

/// The cells of each row of the table, with plain spaces between thousands.
fn rows(browser: &Browser) -> Vec<Vec<String>> {
    let rows = browser.value(
        "[...document.querySelectorAll('#table tbody tr')].map(row => [...row.cells].map(cell => cell.firstChild.textContent.replaceAll('\\u202f', ' ')))",
    );
    serde_json::from_value(rows).unwrap()
}

#[test]
fn losses_are_on_top_and_add_up() {
    let Some((browser, _place)) = report("") else { return };
    let text = browser.text("#losses").replace('\u{202f}', " ");
    // 450 allocations: 10 without thread and stack; of the others 60 truncated, 70 cut.
    assert!(text.contains("310 recorded in full + 140 lost = 450 allocations observed."), "{text}");
    assert!(text.contains("130 lack a part of the stack or the thread, 10 have neither"), "{text}");
    assert!(
        text.contains("12 stacks truncated (stack deeper than the limit) – raise the region's stack depth"),
        "{text}"
    );
    let top = |selector: &str| {
        browser
            .value(&format!("document.querySelector('{selector}').getBoundingClientRect().top"))
            .as_f64()
            .unwrap()
    };
    assert!(
        top("#losses") < top("#tiles")
            && top("#tiles") < top("#timeline")
            && top("#timeline") < top("#flame")
    );
}

#[test]
fn each_metric_has_its_own_total() {
    let Some((browser, _place)) = report("") else { return };
    assert_eq!(total(&browser), "8.79 KiB", "the peak comes first");
    for (metric, sum) in [
        ("allocs", "450"),
        ("bytes", "43.9 KiB"),
        ("live", "7.91 KiB"),
        ("live-blocks", "81"),
        ("peak-blocks", "90"),
        ("temporary", "45"),
    ] {
        browser.click(&format!("#choose-metric [data-value={metric}]"));
        assert_eq!(total(&browser), sum, "{metric}");
    }
    assert_eq!(rows(&browser)[0][0], "11", "temporary blocks of server+0x400: cells 2 and 7");
}

#[test]
fn a_clicked_stage_narrows_everything_below() {
    let Some((browser, _place)) = report("") else { return };
    assert!(browser.text("#tiles").contains("43.9 KiB"), "allocated by the program");
    browser.click(".stage[data-stage=parse]");
    assert_eq!(total(&browser), "700 B");
    assert!(browser.text("#tiles").contains("Peak in parse\n700 B"), "{}", browser.text("#tiles"));
    assert_eq!(browser.text("#timeline .peak text"), "peak in parse 700 B");
    assert_eq!(rows(&browser)[0], ["400 B", "400 B", "server+0x400"]);
    browser.click("#tab-stages");
    assert_eq!(browser.text("#table tr.chosen td.name"), "parse");
    // A second click clears the selection.
    browser.click(".stage[data-stage=parse]");
    assert_eq!(total(&browser), "8.79 KiB");
    browser.click(".stage[data-stage=render]");
    assert_eq!(total(&browser), "0 B");
    assert!(browser.text("#flame-note").contains("the figures of stage render, not its cells"));
    browser.click("#chips .chip");
    assert_eq!(total(&browser), "8.79 KiB");
}

#[test]
fn threads_and_tags_narrow_and_group() {
    let Some((browser, _place)) = report("-m allocs") else { return };
    browser.pick("#choose-thread", "main");
    assert_eq!(total(&browser), "190", "cells 1, 2, 5 and 7");
    browser.pick("#choose-tag", "request");
    assert_eq!(total(&browser), "80", "cell 7 was counted under request and db");
    browser.keys("body", ESCAPE);
    assert_eq!(total(&browser), "450");
    browser.click("#tab-threads");
    browser.click("#table tbody tr:nth-child(1)");
    assert_eq!(total(&browser), "200", "worker #2 has the highest own peak: cells 3, 6 and 8");
    browser.keys("body", ESCAPE);
    browser.pick("#choose-group", "thread");
    browser.keys("#flame", DOWN);
    assert!(
        browser.text("#details").starts_with("worker #2 200, 44.4% of what is shown"),
        "{}",
        browser.text("#details")
    );
    browser.pick("#choose-group", "tag");
    browser.keys("#flame", &[DOWN, RIGHT, DOWN].concat());
    assert!(browser.text("#details").starts_with("tag db 80, 17.8%"), "{}", browser.text("#details"));
    browser.pick("#choose-group", "stage");
    browser.click("#choose-metric [data-value=peak]");
    assert_eq!(total(&browser), "700 B", "the stages with cells");
}

#[test]
fn the_graph_zooms_by_mouse_and_keys_and_finds_frames() {
    let Some((browser, _place)) = report("-m allocs") else { return };
    browser.keys("#flame", DOWN);
    assert!(
        browser.text("#details").starts_with("server+0x100 290, 64.4% of what is shown"),
        "{}",
        browser.text("#details")
    );
    browser.keys("#flame", &[DOWN, ENTER].concat());
    let crumbs = || browser.texts("#crumbs button").join(" ");
    assert_eq!(crumbs(), "all server+0x100 server+0x200");
    browser.keys("#flame", BACKSPACE);
    assert_eq!(crumbs(), "all server+0x100");
    browser.keys("body", ESCAPE);
    assert_eq!(crumbs(), "");
    // The second row is `server+0x100`, across most of the width.
    let height = browser.value("document.getElementById('flame').clientHeight").as_i64().unwrap();
    browser.click_at("#flame", -300, 30 - height / 2);
    assert_eq!(crumbs(), "all server+0x100");
    browser.keys("body", "/");
    browser.keys("#search", "0X300");
    browser.value("new Promise(done => setTimeout(done, 400))");
    assert_eq!(browser.text("#matched"), "13.3% matched", "60 of 450");
    browser.keys("#search", ESCAPE);
    assert_eq!(browser.text("#matched"), "");
}

#[test]
fn inverted_begins_with_the_innermost_frame() {
    let Some((browser, _place)) = report("-m allocs") else { return };
    browser.click("#inverted");
    browser.keys("#flame", DOWN);
    // The stacks of cells 2 and 7 end in 0x400.
    assert!(browser.text("#details").starts_with("server+0x400 110, 24.4%"), "{}", browser.text("#details"));
    browser.keys("#flame", DOWN);
    assert!(browser.text("#details").starts_with("server+0x100 110, 24.4%"), "{}", browser.text("#details"));
    assert_eq!(total(&browser), "450");
}

#[test]
fn tables_sort_by_each_column() {
    let Some((browser, _place)) = report("-m allocs") else { return };
    assert_eq!(rows(&browser)[0], ["110", "110", "server+0x400"]);
    browser.click("#table th:nth-child(2) button");
    assert_eq!(rows(&browser)[0], ["90", "380", "server+0x100"]);
    browser.click("#table th:nth-child(2) button");
    assert_eq!(rows(&browser)[0], ["10", "10", "[unattributed]"]);
    browser.click("#table th:nth-child(3) button");
    assert_eq!(rows(&browser)[0][2], "[cut: stack table full]");
    browser.click("#tab-sites");
    assert_eq!(rows(&browser)[0], ["110", "server+0x400", ""]);
}

#[test]
fn sizes_of_blocks_have_a_table() {
    let Some((browser, _place)) = report("") else { return };
    browser.click("#tab-sizes");
    assert_eq!(rows(&browser), [["16 B – 31 B", "50", "4.88 KiB"], ["64 B – 127 B", "400", "39.1 KiB"]]);
    browser.click("#table th:nth-child(2) button");
    assert_eq!(rows(&browser)[0][1], "400");
}

#[test]
fn the_command_line_selects_the_first_view() {
    let Some((browser, _place)) = report("-m peak-blocks -s parse --reverse --title Tuesday") else { return };
    assert_eq!(total(&browser), "7");
    assert_eq!(browser.text("#title"), "Tuesday");
    browser.keys("#flame", DOWN);
    assert!(browser.text("#details").starts_with("server+0x400 4,"), "{}", browser.text("#details"));
}

#[test]
fn ten_thousand_stacks_are_shown() {
    let Some(browser) = Browser::start(1440, 900) else { return };
    let mut builder = Builder::new(Kind::Program, 0);
    builder.record(&dumps::target(42));
    // A hundred callers, 20 frames deep, with a hundred callees each.
    let mut id = 2;
    let mut cells: Vec<Cell> = Vec::new();
    for caller in 0..100u64 {
        let mut parent = Node::ROOT;
        for depth in 0..20 {
            builder.node(id, parent, 0x10000 * (caller + 1) + depth);
            parent = id;
            id += 1;
        }
        for callee in 0..100 {
            builder.node(id, parent, 0x4000_0000 + 0x1000 * caller + callee);
            cells.push(cell(u32::try_from(cells.len()).unwrap() + 1, 1, id, figures(1, 1, 1)));
            id += 1;
        }
    }
    builder.record(&dumps::thread(1, b"main", &cells));
    cells.iter().for_each(|cell| _ = builder.record(cell));
    let place = Place::with(&builder.finish());
    place.run("dump.bin -o report.html -m live-blocks").ok();
    browser.open(&place.path("report.html"));
    assert_eq!(total(&browser), "10 000");
    browser.click("#inverted");
    browser.keys("#flame", DOWN);
    assert_eq!(total(&browser), "10 000");
    // Each selection is computed from the tree of the one before.
    let shown = total(&browser);
    for metric in ["peak-blocks", "allocs", "live-blocks"] {
        browser.click(&format!("#choose-metric [data-value={metric}]"));
        assert_eq!(total(&browser), shown, "{metric}");
    }
    browser.pick("#choose-group", "thread");
    assert_eq!(total(&browser), shown);
    browser.click("#inverted");
    browser.click("#choose-metric [data-value=bytes]");
    assert_eq!(total(&browser), "977 KiB");
}
