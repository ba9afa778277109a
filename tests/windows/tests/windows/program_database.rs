//! Names from a program database (PDB), as MSVC's linker writes it for a library: one that LLVM's linker has written.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use memtrack_tests::folded::fold;
use memtrack_tests::{c, snapshot};

use crate::{FILES, given, on_windows, place, said, text};

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

    let named = |options: &[&str]| {
        let blocks = fold(&dump, &[&["-m", "live-blocks", "--tag", "work"], FILES, options].concat());
        assert_eq!(blocks.total(), BLOCKS);
        // The walk goes through the library to the program, whether the library has names or not.
        assert!(
            blocks.stacks().all(|(frames, _)| frames.iter().any(|frame| frame.ends_with("libraries::run")))
        );
        blocks.under("priced")
    };
    assert_eq!(named(&[]), BLOCKS, "beside the library");
    let (database, elsewhere) = (folder.join("priced.pdb"), folder.join("elsewhere"));
    fs::create_dir(&elsewhere).expect("a new folder");
    fs::rename(&database, elsewhere.join("priced.pdb")).expect("the linker wrote the database");
    assert_eq!(named(&[]), 0, "without the database");
    assert_eq!(named(&["--debug-dir", text(&elsewhere)]), BLOCKS, "in another folder");
}
