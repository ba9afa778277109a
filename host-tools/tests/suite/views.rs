//! Views of a part of a dump: threads, tags, filters.

use crate::dumps;
use crate::program::{Place, total};

fn place() -> Place {
    Place::with(&dumps::full())
}

#[test]
fn threads_are_selected_by_name_or_id() {
    let place = place();
    assert_eq!(total(&place.run("dump.bin -m allocs -t main").ok()), 20 + 30 + 60 + 80);
    assert_eq!(total(&place.run("dump.bin -m allocs -t worker").ok()), 40 + 70 + 90 + 50, "both workers");
    assert_eq!(place.run("dump.bin -m allocs -t 3").ok(), "server+0x100;server+0x200 50\n");
    assert_eq!(total(&place.run("dump.bin -m allocs --thread 3 --thread main").ok()), 190 + 50);
    assert_eq!(place.run("dump.bin -m allocs -t 0").ok(), "[unattributed] 10\n");
    assert!(place.run("dump.bin -f svg -t main").ok().contains("thread main"), "the graph says so");
}

#[test]
fn graphs_of_all_threads_add_up_to_the_whole() {
    let place = place();
    let whole = total(&place.run("dump.bin -m peak").ok());
    let parts = ["0", "1", "2", "3"].map(|id| total(&place.run(&format!("dump.bin -m peak -t {id}")).ok()));
    assert_eq!(parts.iter().sum::<u64>(), whole);
}

#[test]
fn the_thread_can_be_the_root() {
    let out = place().run("dump.bin -m allocs --per-thread").ok();
    assert_eq!(
        out,
        "[unattributed] 10\n\
         main;[truncated] 60\n\
         main;server+0x100;server+0x200;server+0x300 20\n\
         main;server+0x100;server+0x400 30\n\
         main;tag request;tag db;server+0x100;server+0x400 80\n\
         worker #2;[heap arena];server+0x100 90\n\
         worker #2;server+0x100;server+0x200;[cut: stack table full] 70\n\
         worker #2;server+0x100;server+0x200;server+0x300 40\n\
         worker #3;server+0x100;server+0x200 50\n"
    );
}

#[test]
fn a_tag_selects_its_samples() {
    let place = place();
    for tag in ["request", "db"] {
        assert_eq!(
            place.run(&format!("dump.bin -m allocs --tag {tag}")).ok(),
            "tag request;tag db;server+0x100;server+0x400 80\n"
        );
    }
}

#[test]
fn filter_selects_stacks_and_hide_removes_frames() {
    let place = place();
    assert_eq!(
        place.run("dump.bin -m allocs --filter 0x[34]00$").ok(),
        "server+0x100;server+0x200;server+0x300 60\n\
         server+0x100;server+0x400 30\n\
         tag request;tag db;server+0x100;server+0x400 80\n"
    );
    assert_eq!(
        place.run("dump.bin -m allocs --filter 0x300 --hide 0x200").ok(),
        "server+0x100;server+0x300 60\n"
    );
    assert_eq!(place.run("dump.bin -m allocs -t 3 --hide .").ok(), "[hidden] 50\n");
    assert!(place.run("dump.bin -f svg --filter a&b").ok().contains("filter a&amp;b"));
}

#[test]
fn reversed_stacks_have_the_innermost_frame_at_the_root() {
    let out = place().run("dump.bin -m allocs --reverse --per-thread -t main").ok();
    assert_eq!(
        out,
        "main;[truncated] 60\n\
         main;server+0x300;server+0x200;server+0x100 20\n\
         main;server+0x400;server+0x100 30\n\
         main;tag request;tag db;server+0x400;server+0x100 80\n"
    );
}

#[test]
fn small_frames_go_to_their_callers() {
    let out = place().run("dump.bin -m allocs --min-percent 20").ok();
    // Frames with less than 90 of 450 are left out. Their values count for their callers.
    assert_eq!(
        out,
        "[heap arena];server+0x100 90\n\
         server+0x100 30\n\
         server+0x100;server+0x200 180\n\
         [other] 150\n"
    );
}

#[test]
fn lists_are_sorted_by_peak() {
    let place = place();
    let threads = place.run("dump.bin --list-threads").ok();
    let rows: Vec<Vec<&str>> = threads.lines().map(|line| line.split_whitespace().collect()).collect();
    let figures = ["3.91", "KiB", "3.91", "KiB", "3.61", "KiB", "19.5", "KiB", "200", "20"];
    assert_eq!(rows[1], [&["2", "worker", "#2", "exited"][..], &figures[..]].concat());
    assert_eq!(rows.iter().skip(1).map(|row| row[0]).collect::<Vec<_>>(), ["2", "1", "3", "0"]);
    let stages = place.run("dump.bin --list-stages").ok();
    let rows: Vec<Vec<&str>> = stages.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(rows[1][..3], ["parse", "8.79", "KiB"]);
    assert_eq!(rows[2][..3], ["render", "500", "B"]);
    assert_eq!(rows[2][rows[2].len() - 5..], ["process", "no", "main", "400", "B"], "no cells of its own");
}
