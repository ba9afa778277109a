//! The page as a whole: names are text, nothing is loaded, and there are a light and a dark theme.

use memtrack_format::{Kind, Module, Stage, TagName};

use crate::browser::Browser;
use crate::dumps::{self, Builder, cell, figures};
use crate::program::Place;

#[test]
fn names_are_never_markup() {
    let Some(browser) = Browser::start(800, 1000) else { return };
    let evil = b"</script><script>window.harmed=1</script><img src=x onerror='window.harmed=2'>";
    let mut builder = Builder::new(Kind::Program, 0);
    builder.record(&memtrack_format::Target { command: evil, ..dumps::target(42) });
    let segments = [dumps::segment(0x10000, 0x1000, 0)];
    builder.record(&Module { path: evil, ..dumps::module(b"", b"", 0x10000, &segments) });
    let cells = [memtrack_format::Cell { tag: 1, ..cell(1, 1, 2, figures(10, 5, 7)) }];
    builder.record(&dumps::thread(1, evil, &cells));
    builder.record(&TagName { id: 1, parent: 0, name: evil });
    builder.record(&Stage { name: evil, ..dumps::stage(b"", 700) });
    builder.node(2, 0, 0x10100);
    cells.iter().for_each(|cell| _ = builder.record(cell));
    let place = Place::with(&builder.finish());
    place.run("dump.bin -o report.html").ok();
    browser.open(&place.path("report.html"));
    for group in ["thread", "tag", "stage"] {
        browser.pick("#choose-group", group);
    }
    for tab in ["sites", "threads", "stages", "functions"] {
        browser.click(&format!("#tab-{tab}"));
    }
    assert!(browser.text("#title").contains("<img"), "{}", browser.text("#title"));
    assert_eq!(browser.value("window.harmed ?? 0"), 0);
    assert_eq!(browser.value("document.images.length + document.scripts.length"), 2, "data and script");
}

#[test]
fn nothing_is_loaded_and_nothing_fails() {
    let Some(browser) = Browser::start(800, 1000) else { return };
    let place = Place::with(&dumps::full());
    place.run("dump.bin -o report.html").ok();
    browser.open(&place.path("report.html"));
    assert_eq!(browser.value("performance.getEntriesByType('resource').length"), 0);
    assert_eq!(browser.text("#foot").split(' ').next(), Some("memtrack-fold"), "the script ran to its end");
    let wide = browser.value("document.documentElement.scrollWidth - window.innerWidth").as_i64().unwrap();
    assert!(wide <= 0, "the page fits its window");
}

#[test]
fn light_and_dark_can_be_switched() {
    let Some(browser) = Browser::start(1440, 900) else { return };
    let place = Place::with(&dumps::full());
    place.run("dump.bin -o report.html").ok();
    browser.open(&place.path("report.html"));
    let paper = || browser.value("getComputedStyle(document.body).backgroundColor");
    let light = paper();
    browser.click("#theme");
    assert_ne!(paper(), light);
    browser.keys("body", "d");
    assert_eq!(paper(), light);
}

#[test]
fn an_empty_dump_has_a_report() {
    let Some(browser) = Browser::start(800, 1000) else { return };
    let place = Place::with(&dumps::program(&[]).finish());
    place.run("dump.bin -o report.html").ok();
    browser.open(&place.path("report.html"));
    assert_eq!(browser.text("#flame-total"), "0 B");
    assert_eq!(browser.text("#flame-note"), "Nothing was counted.");
    assert!(browser.text("#losses").contains("Nothing was lost"));
}
