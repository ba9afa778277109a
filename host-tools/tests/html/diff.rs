//! The report of the difference between two dumps.

use crate::browser::{Browser, DOWN};
use crate::dumps::{self, cell, figures};
use crate::program::Place;

#[test]
fn a_difference_shows_both_dumps_and_the_growth() {
    let Some(browser) = Browser::start(1440, 900) else { return };
    let old =
        [cell(1, 1, 4, figures(10, 0, 4)), cell(2, 1, 5, figures(20, 0, 9)), cell(3, 1, 2, figures(5, 0, 5))];
    let new =
        [cell(1, 1, 4, figures(40, 0, 8)), cell(2, 1, 5, figures(15, 0, 3)), cell(3, 1, 3, figures(7, 0, 7))];
    let place = Place::with(&dumps::program(&old).finish());
    place.file("new.bin", &dumps::program(&new).finish());
    place.run("diff dump.bin new.bin -o report.html -m allocs").ok();
    browser.open(&place.path("report.html"));
    assert_eq!(browser.text("#title"), "server: what changed");
    assert_eq!(browser.text("#flame-total"), "35 → 62 (+27)");
    assert!(browser.text("#losses").contains("After: Nothing was lost. All 62 allocations"));
    let rows: Vec<Vec<String>> = serde_json::from_value(browser.value(
        "[...document.querySelectorAll('#table tbody tr')].map(row => [...row.cells].map(cell => cell.firstChild.textContent))",
    ))
    .unwrap();
    assert_eq!(rows[0], ["+30", "10", "40", "+30", "10", "40", "server+0x300"]);
    assert_eq!(rows[1], ["+7", "0", "7", "+37", "10", "47", "server+0x200"]);
    assert_eq!(rows[2][..3], ["−5", "20", "15"], "shrank by as much as server+0x100, and is larger");
    browser.keys("#flame", &[DOWN, DOWN].concat());
    assert!(
        browser.text("#details").starts_with("server+0x200 47, 75.8% of what is shown"),
        "{}",
        browser.text("#details")
    );
    assert!(browser.text("#details").contains("+37 from 10"), "{}", browser.text("#details"));
    browser.click("#choose-side [data-value=before]");
    assert!(browser.text("#details").starts_with("server+0x200 10, 28.6%"), "{}", browser.text("#details"));
}
