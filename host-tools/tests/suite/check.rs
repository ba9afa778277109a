//! `memtrack-fold check` compares a dump with limits.

use crate::dumps::{self, cell, figures};
use crate::program::Place;

/// Peak 9000 bytes, live 8100, 450 allocations; stage "parse" peaks at 9000, "render" at 500.
fn place() -> Place {
    Place::with(&dumps::full())
}

#[test]
fn a_figure_may_equal_its_limit() {
    let table = place()
        .run(
            "check dump.bin --max-peak 9000 --max-live-at-exit 8100 --max-allocs 450 --max-stage-peak parse=9000 \
             --max-stage-peak render=1KiB",
        )
        .ok();
    let rows: Vec<Vec<&str>> = table.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(rows.len(), 6, "{table}");
    assert_eq!(rows[1], ["peak", "8.79", "KiB", "8.79", "KiB", "100.0%", "kept"]);
    assert_eq!(rows[5], ["number", "of", "allocations", "450", "450", "100.0%", "kept"]);
    assert_eq!(rows[3], ["peak", "of", "stage", "render", "500", "B", "1.00", "KiB", "48.8%", "kept"]);
}

#[test]
fn each_exceeded_limit_fails_with_its_reason() {
    let place = place();
    for (limit, reason) in [
        ("--max-peak 8999", "peak is 8.79 KiB, 1 B over its limit of 8.79 KiB"),
        ("--max-live-at-exit 0", "live at exit is 7.91 KiB, 7.91 KiB over its limit of 0 B"),
        ("--max-allocs 400", "number of allocations is 450, 50 over its limit of 400"),
        ("--max-stage-peak parse=8KiB", "peak of stage parse is 8.79 KiB"),
    ] {
        let ran = place.run(&format!("check dump.bin {limit} --max-stage-peak render=500"));
        assert_eq!(ran.code, 1, "{limit}: {}", ran.stderr);
        assert!(ran.stderr.contains(&format!("error: {reason}")), "{limit}: {}", ran.stderr);
        assert_eq!(ran.stdout.matches("EXCEEDED").count(), 1, "{}", ran.stdout);
        assert_eq!(ran.stdout.matches("kept").count(), 1, "{}", ran.stdout);
    }
}

#[test]
fn limits_come_from_a_file_and_options_win() {
    let place = place();
    place.file("limits.toml", b"max-peak = \"1KiB\"\nmax-allocs = 450\n[max-stage-peak]\nparse = 9000\n");
    assert_eq!(place.run("check dump.bin --limits limits.toml").code, 1);
    let table = place.run("check dump.bin --limits limits.toml --max-peak 9000").ok();
    assert_eq!(table.lines().count(), 4, "{table}");
    place.file("wrong.toml", b"max-allocs = 1\nmax-peek = 1\n");
    let line = place.run("check dump.bin --limits wrong.toml").refused(2);
    assert!(line.starts_with("wrong.toml is no file of limits: line 2: unknown field `max-peek`"), "{line}");
    assert!(place.run("check dump.bin --limits none.toml").refused(4).contains("cannot read none.toml"));
}

#[test]
fn a_limit_that_cannot_be_checked_fails() {
    let place = place();
    assert_eq!(place.run("check dump.bin").code, 2, "no limit at all");
    place.file("empty.toml", b"[max-stage-peak]\n");
    let line = place.run("check dump.bin --limits empty.toml").refused(2);
    assert!(line.starts_with("empty.toml is no file of limits: it limits nothing"), "{line}");
    place.run("check dump.bin --limits empty.toml --max-peak 9000").ok();
    assert_eq!(place.run("check dump.bin --max-peak much").code, 2);
    assert_eq!(place.run("check dump.bin --max-stage-peak parse").code, 2);
    let line = place.run("check dump.bin --max-stage-peak prase=1").refused(2);
    assert!(line.starts_with("no stage is called \"prase\": did you mean one of \"parse\""), "{line}");
    let cells = [cell(1, 1, 4, figures(10, 1, 2))];
    let whole = dumps::program(&cells).finish();
    // The figures are near the end, so the rest has none.
    place.file("cut.bin", &whole[..whole.len() - 60]);
    let line = place.run("check cut.bin --max-peak 1GiB").refused(3);
    assert!(line.contains("no figures of the whole program"), "{line}");
    place.file("short.bin", &whole[..whole.len() - 1]);
    assert_eq!(
        place.run("check short.bin --max-peak 1GiB").code,
        3,
        "within the limit, as far as the dump can be read"
    );
    assert_eq!(place.run("check short.bin --max-peak 1").code, 1);
}
