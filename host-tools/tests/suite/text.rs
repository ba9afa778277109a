//! Text for the terminal: tables and trees.

use crate::dumps;
use crate::program::Place;

fn place() -> Place {
    Place::with(&dumps::full())
}

fn rows(table: &str) -> Vec<String> {
    table.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect()
}

#[test]
fn callers_and_callees_of_a_function_add_up() {
    let out = place().run("dump.bin -m allocs --peek 0x200$").ok();
    // Only cell 4's stack ends in 0x200. The stacks of cells 1, 3 and 6 go through it.
    assert_eq!(
        rows(&out)[4..],
        [
            "of it of all",
            "180 100.0% 40.0% called by server+0x100",
            "180 100.0% 40.0% server+0x200",
            "50 27.8% 11.1% itself",
            "70 38.9% 15.6% calls [cut: stack table full]",
            "60 33.3% 13.3% calls server+0x300",
        ],
        "{out}"
    );
    let reversed = place().run("dump.bin -m allocs --peek 0x200$ --reverse").ok();
    assert_eq!(reversed, out, "who calls whom does not depend on what is shown at the root");
    let several = place().run("dump.bin -m allocs --peek 0x[34]00$").ok();
    assert_eq!(several.matches("called by").count(), 2, "{several}");
    let line = place().run("dump.bin --peek server+0x20").refused(2);
    assert!(
        line.starts_with("no function is called \"server+0x20\": did you mean one of \"server+0x200\""),
        "{line}"
    );
}

#[test]
fn the_user_limits_the_rows_of_the_table() {
    let out = place().run("dump.bin -m allocs -f text --top 2").ok();
    let (table, _) = out.split_once("calls, outermost first").unwrap();
    assert!(table.contains("server+0x400") && table.contains("… and 8 more"), "{table}");
}

#[test]
fn the_tree_has_the_largest_first_and_chains_in_one_column() {
    let out = place().run("dump.bin -m allocs -f text --min-percent 0").ok();
    let (_, tree) = out.split_once("outermost first").unwrap();
    let lines: Vec<&str> = tree.lines().skip(1).collect();
    assert_eq!(
        lines,
        [
            "       210  46.7%  server+0x100",
            "       180  40.0%    server+0x200",
            "        70  15.6%      [cut: stack table full]",
            "        60  13.3%      server+0x300",
            "        30   6.7%    server+0x400",
            "        90  20.0%  [heap arena]",
            "                   server+0x100",
            "        80  17.8%  tag request",
            "                   tag db",
            "                   server+0x100",
            "                   server+0x400",
            "        60  13.3%  [truncated]",
            "        10   2.2%  [unattributed]",
        ]
    );
}

#[test]
fn sizes_are_listed_by_class() {
    let mut builder = dumps::program(&dumps::cells());
    for (class, allocs) in [(7, 400), (5, 50)] {
        builder.record(&memtrack_format::SizeClass { thread: u32::MAX, class, allocs, bytes: 100 * allocs });
    }
    let out = Place::with(&builder.finish()).run("dump.bin --list-sizes").ok();
    assert_eq!(
        rows(&out)[1..],
        ["16 B – 31 B 50 11.1% 4.88 KiB 11.1%", "64 B – 127 B 400 88.9% 39.1 KiB 88.9%"]
    );
}

#[test]
fn the_users_subtitle_comes_before_warnings() {
    let place = place();
    let text = place.run("dump.bin -f text --subtitle Tuesday").ok();
    assert!(text.lines().nth(1).unwrap().starts_with("Tuesday · lost: 12 stacks truncated"), "{text}");
    assert!(place.run("dump.bin -f svg --subtitle a<b").ok().contains("a&lt;b · lost: 12 stacks"));
    assert!(place.run("diff dump.bin dump.bin -f svg --subtitle Tuesday").ok().contains("Tuesday · "));
}

#[test]
fn an_inverted_graph_has_its_root_at_the_top() {
    let place = place();
    // A frame's rectangle follows its title.
    let y = |svg: &str, frame: &str| -> f64 {
        let (_, rest) =
            svg.split_once(&format!("<title>{frame} (")).unwrap_or_else(|| panic!("{frame}: {svg}"));
        rest.split_once(" y=\"").unwrap().1.split('"').next().unwrap().parse().unwrap()
    };
    for command in ["dump.bin -f svg", "diff dump.bin dump.bin -f svg"] {
        let straight = place.run(command).ok();
        assert!(y(&straight, "all") > y(&straight, "server+0x100"), "{command}");
        let inverted = place.run(&format!("{command} --inverted")).ok();
        assert!(y(&inverted, "all") < y(&inverted, "server+0x100"), "{command}");
    }
}
