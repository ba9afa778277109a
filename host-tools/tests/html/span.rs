//! A selected span of time shows the figures that the dump has of it, and explains them.

use memtrack_format::{Cell, Kind, Marks, Node, Stage, TimePoint};

use crate::browser::{Browser, ESCAPE, RIGHT};
use crate::dumps::{self, Builder, cell, figures};
use crate::program::Place;

const MS: u64 = 1_000_000;

/// The stage "load" lasts from 0.1 s to 0.5 s, with a peak at 0.3 s. One snapshot of the program is at 1 s,
/// with the peak at 0.8 s. The last one is at 1.5 s, with the peak at 1.2 s. They have 10, 20 and 40
/// allocations.
fn dump() -> Vec<u8> {
    let begin = |kind, sequence, time_ns| {
        let mut builder = Builder::at(kind, sequence, time_ns);
        builder.record(&dumps::target(42));
        builder.record(&dumps::module(
            b"/opt/shop/server",
            b"",
            0x10000,
            &[dumps::segment(0x10000, 0x1000, 0)],
        ));
        builder
    };
    let end = |mut builder: Builder, cells: &[Cell]| {
        builder.record(&dumps::thread(1, b"main", cells));
        builder.node(2, Node::ROOT, 0x10100).node(3, 2, 0x10200).node(4, 3, 0x10300).node(5, 2, 0x10400);
        cells.iter().for_each(|cell| _ = builder.record(cell));
        builder
    };
    let load = Stage {
        name: b"load",
        runs: 1,
        begin_ns: 100 * MS,
        end_ns: 500 * MS,
        peak_time_ns: 300 * MS,
        ..dumps::stage(b"", 600)
    };
    let mut stage = begin(Kind::Stage, 0, 500 * MS);
    stage.record(&load);
    let stage = end(stage, &[cell(1, 1, 4, figures(10, 4, 6))]);
    let program = |sequence, time_ns, peak_time_ns, cells: &[Cell]| {
        let mut builder = end(begin(Kind::Program, sequence, time_ns), cells);
        builder.record(&load);
        let figures = dumps::sum(cells.iter().map(|cell| cell.figures));
        let frees = figures.allocs - figures.live_blocks;
        builder.record(&Marks { figures, frees, peak_time_ns, ..Marks::default() });
        for (time_ns, live) in [(200 * MS, 300), (600 * MS, 450), (800 * MS, 1200), (1000 * MS, 600)] {
            builder.record(&TimePoint { time_ns, high: live, live });
        }
        builder.finish()
    };
    let between =
        program(1, 1000 * MS, 800 * MS, &[cell(1, 1, 4, figures(15, 5, 9)), cell(2, 1, 5, figures(5, 1, 3))]);
    let last = program(
        2,
        1500 * MS,
        1200 * MS,
        &[cell(1, 1, 4, figures(30, 6, 20)), cell(2, 1, 5, figures(10, 2, 7))],
    );
    [stage.finish(), between, last].concat()
}

/// The report of [`dump`], and a function from milliseconds to the position on its timeline, in pixels right
/// of the centre.
fn report(options: &str) -> Option<(Browser, Place, impl Fn(u64) -> i64)> {
    let browser = Browser::start(1440, 900)?;
    let place = Place::with(&dump());
    place.run(&format!("dump.bin -o report.html {options}")).ok();
    browser.open(&place.path("report.html"));
    let width =
        browser.value("document.querySelector('.surface').getBoundingClientRect().width").as_f64().unwrap();
    Some((browser, place, move |ms| ((ms as f64 / 1500.0 - 0.5) * width).round() as i64))
}

fn texts(browser: &Browser) -> (String, String) {
    (browser.text("#flame-total"), browser.text("#flame-note"))
}

#[test]
fn a_dragged_span_counts_events_between_the_nearest_snapshots() {
    let Some((browser, _place, at)) = report("-m allocs") else { return };
    assert_eq!(browser.text("#flame-total"), "40");
    browser.drag(".surface", at(450), at(1040));
    let (total, note) = texts(&browser);
    assert_eq!(total, "10");
    assert!(
        note.starts_with("What was counted between 500.00 ms (stage load) and 1.00 s (a snapshot)"),
        "{note}"
    );
    // 15 − 10 of the first cell, 5 of the second.
    let rows = browser.texts("#table tbody tr td:nth-child(1)");
    assert_eq!(rows, ["550.0%", "550.0%", "00.0%", "00.0%"], "own, and its share");
    browser.click("#choose-metric [data-value=peak]");
    let (total, note) = texts(&browser);
    assert_eq!(total, "1.17 KiB");
    assert!(note.starts_with("What was alive after 800.00 ms, at the program's peak"), "{note}");
    browser.click("#choose-metric [data-value=live]");
    let (total, note) = texts(&browser);
    assert_eq!(total, "600 B");
    assert!(note.starts_with("What was alive after 1.00 s (a snapshot)"), "{note}");
    // The stage ended in this span. A later span has no stage.
    browser.click("#tab-stages");
    assert_eq!(browser.texts("#table td.name"), ["load"]);
    browser.drag(".surface", at(700), at(760));
    assert_eq!(browser.texts("#table td.name"), [""; 0]);
    assert_eq!(
        texts(&browser),
        ("0 B".into(), "The dump has no stacks of a moment in this span: choose a wider one.".into())
    );
    browser.click("#choose-metric [data-value=allocs]");
    assert_eq!(
        browser.text("#flame-total"),
        "10",
        "both ends are nearest to 0.5 s or 1 s: the events between those count"
    );
}

#[test]
fn the_summary_describes_the_span() {
    let Some((browser, _place, at)) = report("") else { return };
    browser.drag(".surface", at(550), at(900));
    let tiles = browser.text("#tiles");
    assert!(tiles.contains("Highest in the span\n1.17 KiB"), "{tiles}");
    assert!(
        tiles.contains("Live at its start\n300 B") && tiles.contains("Live at its end\n1.17 KiB"),
        "{tiles}"
    );
    assert!(tiles.contains("Grown by\n+900 B"), "{tiles}");
    assert_eq!(browser.text("#flame-total"), "1.17 KiB");
}

#[test]
fn a_click_selects_the_time_between_two_snapshots() {
    let Some((browser, place, at)) = report("-m allocs") else { return };
    browser.click_at(".surface", at(1200), 0);
    assert_eq!(browser.text("#flame-total"), "20");
    assert_eq!(browser.text("#chips .chip"), "span 1.00 s – 1.50 s ✕");
    // The address has the span, and shows it again.
    let address = browser.value("location.hash");
    assert_eq!(address, "#span=1000000000-1500000000");
    browser.value("location.assign('about:blank')");
    browser.open_at(&place.path("report.html"), address.as_str().unwrap());
    assert_eq!(browser.text("#flame-total"), "20");
    browser.click_at(".surface", at(1200), 0);
    assert_eq!(browser.text("#flame-total"), "40", "a second click clears it");
    browser.click_at(".surface", at(200), 0);
    assert_eq!(browser.text("#flame-total"), "10", "from the start to the end of the stage");
    browser.click(".stage[data-stage=load]");
    assert_eq!(browser.text("#chips .chip"), "stage load ✕", "a stage instead of a span");
    browser.keys("body", ESCAPE);
    assert_eq!(browser.texts("#chips .chip"), [""; 0]);
}

#[test]
fn arrow_keys_move_the_span() {
    let Some((browser, _place, at)) = report("-m allocs") else { return };
    browser.click_at(".surface", at(700), 0);
    assert_eq!(browser.text("#chips .chip"), "span 500.00 ms – 1.00 s ✕");
    browser.keys(".surface", RIGHT);
    // One fiftieth of 1.5 s.
    assert_eq!(browser.text("#chips .chip"), "span 530.00 ms – 1.03 s ✕");
    browser.keys(".surface", &["\u{e008}", RIGHT].concat());
    assert_eq!(browser.text("#chips .chip"), "span 530.00 ms – 1.06 s ✕");
    assert_eq!(browser.text("#flame-total"), "10");
    browser.keys("body", ESCAPE);
    assert_eq!(browser.text("#flame-total"), "40");
}
