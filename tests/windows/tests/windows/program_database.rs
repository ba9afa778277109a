//! Names from a program database (PDB), as MSVC's linker writes it for a library: one that LLVM's linker has written.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use memtrack_tests::folded::{Folded, fold};
use memtrack_tests::{c, snapshot};

use crate::{FILES, fold_exe, given, native, on_windows, place, said, text};

const BLOCKS: u64 = 7;

/// Builds a library for MSVC whose function `priced` calls back, with its database beside it. It uses nothing of the system.
fn library(folder: &Path) -> PathBuf {
    let built = folder.join("priced.dll");
    let object = folder.join("priced.obj");
    let mut clang = Command::new("clang");
    clang.args([
        "-target",
        "x86_64-pc-windows-msvc",
        "-O1",
        "-g",
        "-gcodeview",
        "-fno-optimize-sibling-calls",
    ]);
    clang.args(["-DNAME=priced", "-DSIZE=208", "-c", "-o"]).arg(&object).arg(c::source("framed_plugin.c"));
    said(clang);
    let linker = given("LINK").unwrap_or_else(|| "lld-link".to_owned());
    let mut words = linker.split(' ');
    let mut link = Command::new(words.next().unwrap_or_default());
    link.args(words).args(["/nologo", "/dll", "/noentry", "/nodefaultlib", "/debug", "/export:priced"]);
    link.arg("/pdbaltpath:%_PDB%").arg(format!("/out:{}", built.display())).arg(&object);
    said(link);
    built
}

/// The blocks under `priced`. The walk goes through the library to the program, whether the library has names or not.
fn count(blocks: &Folded) -> u64 {
    assert_eq!(blocks.total(), BLOCKS);
    let leads = |frames: &[&str]| frames.iter().any(|frame| frame.ends_with("libraries::run"));
    assert!(blocks.stacks().all(|(frames, _)| leads(&frames)));
    blocks.under("priced")
}

#[test]
fn a_library_with_a_program_database_has_names() {
    let dump = place("database", "dump.memtrack");
    let folder = dump.parent().expect("a folder");
    let library = library(folder);
    said(on_windows(&["libraries", text(&dump), text(&library), "priced", &BLOCKS.to_string()]));

    // The GUID and the age identify the file and its database.
    let bytes = snapshot::file(&dump);
    let last = snapshot::last(&bytes);
    let module = last.modules.iter().find(|module| module.path.windows(10).any(|name| name == b"priced.dll"));
    assert_eq!(module.expect("the library").build_id.len(), 20);

    // By this machine's `memtrack-fold` and by `memtrack-fold.exe`.
    let named = |debug: Option<&Path>| {
        let wanted: &[&str] = &["-m", "live-blocks", "--tag", "work"];
        let here = debug.map_or(vec![], |folder| vec!["--debug-dir", text(folder)]);
        let native_folder = debug.map(native);
        let there = native_folder.iter().flat_map(|folder| ["--debug-dir", folder]).collect::<Vec<_>>();
        let counts = [
            fold(&dump, &[wanted, FILES, &here].concat()),
            Folded::parse(&said(fold_exe(&[&[&*native(&dump)], wanted, &there].concat()))),
        ]
        .map(|blocks| count(&blocks));
        assert_eq!(counts[0], counts[1]);
        counts[0]
    };
    assert_eq!(named(None), BLOCKS, "beside the library");
    let (database, elsewhere) = (folder.join("priced.pdb"), folder.join("elsewhere"));
    fs::create_dir(&elsewhere).expect("a new folder");
    fs::rename(&database, elsewhere.join("priced.pdb")).expect("the linker wrote the database");
    assert_eq!(named(None), 0, "without the database");
    assert_eq!(named(Some(&elsewhere)), BLOCKS, "in another folder");
}
