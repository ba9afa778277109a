//! `docs/wire-format.md` compared with the code: the tables name the fields of the structs, in their order.

use memtrack_format::{
    Arch, Cause, Cell, Config, Done, Figures, Fork, Heap, Kind, Loss, LossCause, Lost, Marks, Module, Os,
    Process, Segment, SizeClass, Snapshot, Stage, Tag, TagName, Target, Thread, ThreadPeak, ThreadState,
    TimePoint,
};
use memtrack_tests::listing::Listed;

const SPECIFICATION: &str = include_str!("../../docs/wire-format.md");

/// The rows of the first table after the line that begins with `after`, as lists of cells.
fn table(after: &str) -> Vec<Vec<&'static str>> {
    let lines = SPECIFICATION.lines().skip_while(|line| !line.starts_with(after)).skip(1);
    let rows = lines.skip_while(|line| !line.starts_with('|')).take_while(|line| line.starts_with('|'));
    let cells = |row: &'static str| row.trim_matches('|').split('|').map(str::trim).collect();
    let rows: Vec<_> = rows.skip(2).map(cells).collect();
    assert!(!rows.is_empty(), "no table after {after:?}");
    rows
}

#[track_caller]
fn check<T: Listed>(heading: &str) {
    let fields: Vec<_> = table(heading).iter().map(|row| row[0]).collect();
    assert_eq!(fields, T::FIELDS, "{heading}");
}

#[test]
fn the_tables_list_the_fields_in_order() {
    check::<Snapshot>("### `SNAP`");
    check::<Target<'_>>("### `TARG`");
    check::<Process>("### `PROC`");
    check::<Fork<'_>>("### `FORK`");
    check::<Lost>("Lost:");
    check::<Config>("### `CONF`");
    check::<Module<'_>>("### `MODU`");
    check::<Segment>("Segment:");
    check::<Figures>("### Figures");
    check::<Thread<'_>>("### `THRD`");
    check::<TagName<'_>>("### `TAGN`");
    check::<Heap<'_>>("### `HEAP`");
    check::<Stage<'_>>("### `STAG`");
    check::<ThreadPeak>("Thread peak:");
    check::<Cell>("### `CELL`");
    check::<Marks>("### `MARK`");
    check::<TimePoint>("### `TIME`");
    check::<SizeClass>("### `SIZE`");
    check::<Loss>("### `LOSS`");
    check::<Done>("### `DONE`");
}

#[test]
fn every_tag_has_a_row_and_a_heading() {
    let rows = table("## Sections of a snapshot");
    assert_eq!(rows.len(), Tag::ALL.len());
    for tag in Tag::ALL {
        let name = format!("`{tag:?}`");
        assert!(rows.iter().any(|row| row[0] == name), "{name} in the table of sections");
        assert!(SPECIFICATION.contains(&format!("### {name}: ")), "a heading of {name}");
    }
}

/// A field of codes lists each number of the enum: `0 …, 1 …, 2 …`.
#[test]
fn all_codes_are_listed() {
    let meaning = |heading: &str, field: &str| {
        table(heading)
            .into_iter()
            .find(|row| row[0] == field)
            .unwrap_or_else(|| panic!("{field} of {heading}"))[2]
    };
    let highest = |text: &str| {
        let numbers = text.split([' ', ',', ';', ':']).filter_map(|word| word.parse::<usize>().ok());
        numbers.max().expect("a code")
    };
    for (heading, field, end) in [
        ("### `SNAP`", "kind", Kind::END),
        ("### `SNAP`", "cause", Cause::END),
        ("### `TARG`", "arch", Arch::END),
        ("### `TARG`", "os", Os::END),
        ("### `THRD`", "state", ThreadState::END),
    ] {
        assert_eq!(highest(meaning(heading, field)), end - 1, "{field} of {heading}");
    }
    let causes = table("Causes (");
    let codes: Vec<_> = causes.iter().map(|row| row[0].parse::<u8>().unwrap()).collect();
    assert_eq!(codes, LossCause::ALL.iter().map(|cause| cause.code()).collect::<Vec<_>>());
    for (row, cause) in causes.iter().zip(LossCause::ALL) {
        assert_eq!(row[2] == "cell 0", cause.is_unattributed(), "{cause:?}");
    }
}
