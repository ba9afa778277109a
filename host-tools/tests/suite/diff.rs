//! `memtrack-fold diff` compares two dumps by function.

use crate::dumps::{self, cell, figures};
use crate::program::Place;

/// The older dump is `dump.bin`, the newer one `new.bin`. Of four stacks, one grew, one shrank, one is gone,
/// and one is new.
fn place() -> Place {
    let old =
        [cell(1, 1, 4, figures(10, 0, 4)), cell(2, 1, 5, figures(20, 0, 9)), cell(3, 1, 2, figures(5, 0, 5))];
    let new =
        [cell(1, 1, 4, figures(40, 0, 8)), cell(2, 1, 5, figures(15, 0, 3)), cell(3, 1, 3, figures(7, 0, 7))];
    let place = Place::with(&dumps::program(&old).finish());
    place.file("new.bin", &dumps::program(&new).finish());
    place
}

#[test]
fn folded_stacks_have_both_values_and_the_largest_growth_first() {
    assert_eq!(
        place().run("diff dump.bin new.bin -m allocs").ok(),
        "server+0x100;server+0x200;server+0x300 10 40\n\
         server+0x100;server+0x200 0 7\n\
         server+0x100 5 0\n\
         server+0x100;server+0x400 20 15\n"
    );
}

#[test]
fn the_table_has_functions_by_growth() {
    let text = place().run("diff dump.bin new.bin -m peak-blocks -f text").ok();
    let mut lines = text.lines();
    assert_eq!(lines.next(), Some("server: live blocks at the peak, 18 → 18"));
    assert_eq!(lines.next(), Some("total: 18 → 18 blocks (0)"));
    let rows: Vec<Vec<&str>> = lines.skip(2).map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(
        rows,
        [
            ["+7", "38.9%", "0", "7", "+11", "server+0x200"],
            ["+4", "22.2%", "4", "8", "+4", "server+0x300"],
            ["-5", "27.8%", "5", "0", "0", "server+0x100"],
            ["-6", "33.3%", "9", "3", "-6", "server+0x400"],
        ]
    );
    let few = place().run("diff dump.bin new.bin -m peak-blocks -f text --min-percent 35").ok();
    assert!(few.contains("server+0x200") && !few.contains("server+0x300"), "{few}");
}

#[test]
fn equal_dumps_have_no_differences() {
    let text = place().run("diff dump.bin dump.bin -f text").ok();
    assert!(text.ends_with("no function changed\n"), "{text}");
}

#[test]
fn the_graph_shows_the_newer_dump_and_its_changes() {
    let place = place();
    place.run("diff dump.bin new.bin -m peak -o d.svg --title Tuesday<b>").ok();
    let svg = std::fs::read_to_string(place.path("d.svg")).unwrap();
    assert!(svg.contains("Tuesday&lt;b&gt;"));
    assert!(
        svg.contains("<title>server+0x100;")
            || svg.contains("<title>server+0x300 (800 bytes, 44.44%; +22.22%)"),
        "{svg}"
    );
    let none = place.run("diff dump.bin new.bin -m live -f svg").ok();
    assert!(none.contains("no live bytes"));
}

#[test]
fn options_select_in_both_dumps() {
    let place = place();
    assert_eq!(
        place.run("diff dump.bin new.bin -m allocs --filter 0x300").ok(),
        "server+0x100;server+0x200;server+0x300 10 40\n"
    );
    assert!(place.run("diff dump.bin new.bin -t nobody").refused(2).contains("no thread is called"));
    assert!(place.run("diff dump.bin missing").refused(4).contains("cannot read missing"));
    assert_eq!(place.run("diff dump.bin").code, 2);
    let whole = dumps::full();
    place.file("cut.bin", &whole[..whole.len() - 20]);
    assert_eq!(place.run("diff dump.bin cut.bin").code, 3);
    assert_eq!(place.run("diff cut.bin dump.bin").code, 3);
}
