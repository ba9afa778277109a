//! Libraries that are loaded at the address of an unloaded one: each keeps its own names, in dumps, in recordings and
//! in merged files.
//!
//! Planted bug: with a `list` in `core/src/session/generations/listed.rs` that does nothing, no block has a library.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use memtrack_format::LossCause;
use memtrack_tests::c::{self, Link};
use memtrack_tests::folded::fold;
use memtrack_tests::{program, snapshot};

/// Builds the program that loads the libraries.
fn plugins(name: &str, flags: &[&str], link: Link) -> PathBuf {
    let built = program::folder(&format!("unloaded-{name}")).join("plugins");
    let flags = [&["-O1", "-fno-optimize-sibling-calls"], flags].concat();
    c::build("gcc", &flags, &c::source("plugins.c"), link, &built);
    built
}

/// A run that loads four libraries in turn. The third one is the first again, the fourth is a new build of it.
fn loading(program: &Path, flags: &[&str]) -> Command {
    let folder = program.parent().expect("a folder");
    let mut run = Command::new(program);
    for (name, size, count) in
        [("first", 208, "1"), ("second", 400, "20"), ("first", 208, "300"), ("first", 464, "4000")]
    {
        run.arg(c::plugin(name, size, flags, folder)).args([name, count]);
    }
    run
}

fn assert_one_place(output: &Output) {
    assert!(output.status.success(), "{output:?}");
    let places: HashSet<_> = output.stdout.split_inclusive(|&byte| byte == b'\n').collect();
    assert_eq!(places.len(), 1, "the libraries were loaded at different addresses");
}

/// Asserts that each block is under its own library's function, `times` times.
fn assert_named(dump: &Path, times: u64) {
    let blocks = fold(dump, &["-m", "allocs"]);
    let names = ["first", "second", "keep"];
    assert_eq!(names.map(|name| blocks.under(name)), [4301, 20, 4321].map(|count| count * times));
    for (frames, _) in blocks.stacks().filter(|(frames, _)| frames.contains(&"keep")) {
        assert_eq!(frames[frames.len() - 3], "main", "{frames:?}");
    }
}

#[test]
fn under_the_preloaded_library() {
    for flag in ["-Wl,--build-id", "-Wl,--build-id=none", "-Wl,-z,max-page-size=0x200000"] {
        let program = plugins(&format!("preloaded{flag}"), &[flag], Link::None);
        let dump = program.with_extension("dump");
        assert_one_place(&c::preloaded(&mut loading(&program, &[flag]), &dump));
        let bytes = snapshot::file(&dump);
        let last = snapshot::last(&bytes);
        last.assert_adds_up();
        assert!(last.losses.is_empty(), "{:?}", last.losses);
        assert_named(&dump, 1);
    }
}

#[test]
fn libraries_beyond_the_limit_are_cut_off_and_never_confused() {
    const TOLD: usize = 32;
    let program = plugins("many", &[], Link::None);
    let (folder, dump) = (program.parent().expect("a folder"), program.with_extension("dump"));
    let names: Vec<String> = (0..TOLD + 4).map(|number| format!("plugin{number:02}")).collect();
    let mut run = Command::new(&program);
    for name in &names {
        run.arg(c::plugin(name, 208, &[], folder)).args([name, "3"]);
    }
    assert_one_place(&c::preloaded(&mut run, &dump));
    let bytes = snapshot::file(&dump);
    let last = snapshot::last(&bytes);
    last.assert_adds_up();
    let blocks = fold(&dump, &["-m", "allocs"]);
    let counts: Vec<u64> = names.iter().map(|name| blocks.under(name)).collect();
    assert_eq!(counts, [vec![3; TOLD], vec![0; 4]].concat());
    assert_eq!((blocks.under("keep"), last.lost(LossCause::Unwind)), (3 * names.len() as u64, 12));
}

#[test]
fn in_a_program_linked_with_the_static_library() {
    let wrap = "-Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc,--wrap=free";
    let program = plugins("linked", &[wrap], Link::Static);
    let dump = program.with_extension("dump");
    assert_one_place(&c::output(loading(&program, &[]).env("MEMTRACK_DUMP", &dump)));
    assert_named(&dump, 1);
}

#[test]
fn in_a_recording_and_in_merged_dumps() {
    let program = plugins("recorded", &[], Link::None);
    let [dump, recording, merged] = ["dump", "recording", "merged"].map(|kind| program.with_extension(kind));
    assert_one_place(&c::preloaded(loading(&program, &[]).env("MEMTRACK_RECORD", &recording), &dump));
    assert_named(&recording, 1);
    let output = Command::new(program::of_workspace("memtrack-fold"))
        .args(["merge", "-o"])
        .args([&merged, &dump, &recording])
        .output()
        .expect("memtrack-fold can be started");
    assert!(output.status.success(), "{output:?}");
    assert_named(&merged, 2);
}
