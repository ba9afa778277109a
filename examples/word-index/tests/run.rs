//! Both programs over a corpus of two files.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

const PAGE: &str = "\
# What the dependencies say

1 packages, 2 files, 11 words, 9 different ones, 33 bytes of postings.

## lock free

2 files match.

1. example 1.2.3, src/lib.rs:2 (4.41)
   `` fn lock_free() {} ``
2. example 1.2.3, README.md:1 (1.33)
   `` # A lock, and what is free of it ``
";

/// A package with a README and a source file, and its output of `cargo metadata`.
fn corpus(name: &str) -> PathBuf {
    let root = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    fs::create_dir_all(root.join("src")).unwrap();
    fs::write(root.join("README.md"), "# A lock, and what is free of it\n").unwrap();
    fs::write(root.join("src/lib.rs"), "// nothing\nfn lock_free() {}\n").unwrap();
    fs::write(root.join("src/data.bin"), "lock free lock free").unwrap();
    let package = serde_json::json!({
        "name": "example", "version": "1.2.3", "source": "registry", "manifest_path": root.join("Cargo.toml"),
    });
    fs::write(root.join("metadata.json"), serde_json::json!({ "packages": [package] }).to_string()).unwrap();
    root
}

fn run(program: &str, root: &Path, more: &[&str]) -> Output {
    let metadata = root.join("metadata.json");
    Command::new(program).arg("lock free").arg("--metadata").arg(metadata).args(more).output().unwrap()
}

#[test]
fn both_programs_find_the_same() {
    let root = corpus("both");
    for program in [env!("CARGO_BIN_EXE_word-index"), env!("CARGO_BIN_EXE_word-index-plain")] {
        for workers in ["1", "3"] {
            let output = run(program, &root, &["--workers", workers]);
            assert_eq!(String::from_utf8_lossy(&output.stdout), PAGE, "{program}");
        }
    }
}

#[test]
fn the_tracked_program_reports_its_stages_and_dumps() {
    let root = corpus("tracked");
    let dump = root.join("profile");
    let output = run(env!("CARGO_BIN_EXE_word-index"), &root, &["--dump", dump.to_str().unwrap()]);
    let report = String::from_utf8_lossy(&output.stderr);
    for name in ["metadata", "scan", "read", "tokenise", "index", "query", "render", "tokenise-1", "index-4"]
    {
        assert!(report.split_whitespace().any(|word| word == name), "{name} is not in\n{report}");
    }
    assert!(fs::metadata(dump).unwrap().len() > 1000);
}

#[test]
fn the_plain_program_refuses_to_dump() {
    let output = run(env!("CARGO_BIN_EXE_word-index-plain"), &corpus("plain"), &["--dump", "nowhere"]);
    assert!(!output.status.success());
    assert!(String::from_utf8_lossy(&output.stderr).contains("run `word-index`"));
}
