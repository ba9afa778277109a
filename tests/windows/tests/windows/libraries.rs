//! Libraries that are unloaded.

use std::path::{Path, PathBuf};

use memtrack_format::LossCause;
use memtrack_tests::folded::fold;
use memtrack_tests::{c, snapshot};

use crate::{FILES, gcc, on_windows, place, said, text};

/// Builds a library whose function `name` calls back from a frame of `size` bytes. All are at one address.
fn library(folder: &Path, name: &str, size: &str) -> PathBuf {
    let built = folder.join(name).with_extension("dll");
    let mut gcc = gcc();
    gcc.args(["-shared", "-O1", "-g", "-fno-optimize-sibling-calls", "-Wl,--image-base,0x6b000000"]);
    gcc.args([format!("-DNAME={name}"), format!("-DSIZE={size}"), "-o".to_owned()]).arg(&built);
    gcc.arg(c::source("framed_plugin.c"));
    said(gcc);
    built
}

#[test]
fn blocks_of_unloaded_libraries_keep_the_names_of_their_own_library() {
    let dump = place("libraries", "dump.memtrack");
    let folder = dump.parent().expect("a folder");
    let (first, second) = (library(folder, "first", "208"), library(folder, "second", "400"));
    let (first, second) = (text(&first), text(&second));
    let arguments =
        ["libraries", text(&dump), first, "first", "1", second, "second", "20", first, "first", "300"];
    let places = said(on_windows(&arguments));
    let places: Vec<&str> = places.lines().collect();
    assert!(places.len() == 3 && places.iter().all(|place| *place == places[0]), "{places:?}");
    let bytes = snapshot::file(&dump);
    let last = snapshot::last(&bytes);
    last.assert_adds_up();
    assert_eq!(last.lost(LossCause::Unwind), 0, "{:?}", last.losses);
    let blocks = fold(&dump, &[&["-m", "live-blocks", "--tag", "work"], FILES].concat());
    assert_eq!(["first", "second"].map(|name| blocks.under(name)), [301, 20]);
    let callers = |frames: &[&str]| frames.iter().any(|frame| frame.ends_with("libraries::run"));
    assert!(blocks.stacks().all(|(frames, _)| callers(&frames)), "the stacks lead to the program");
}
