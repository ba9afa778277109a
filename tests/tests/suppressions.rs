//! Suppressions in the formats of valgrind and LeakSanitizer. A program with known leaks (`c/known.c`) gets the same
//! result from those tools as from `memtrack-fold` for its dump.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use memtrack_tests::c::{self, Link};
use memtrack_tests::program;

const FLAGS: [&str; 3] = ["-std=gnu11", "-O1", "-fno-builtin"];

/// The program and its dump: 6400 bytes of `keep` and 231 of `leak` are live at the end.
fn recorded(name: &str) -> (PathBuf, PathBuf, PathBuf) {
    let folder = program::folder(&format!("suppressions-{name}"));
    let known = folder.join("known");
    c::build("gcc", &FLAGS, &c::source("known.c"), Link::None, &known);
    let dump = folder.join("dump");
    assert!(c::preloaded(&mut Command::new(&known), &dump).status.success());
    (folder, known, dump)
}

/// `memtrack-fold check`, with this limit on live bytes.
fn check(dump: &Path, live: u64, suppressions: &Path) -> Output {
    let mut command = Command::new(program::of_workspace("memtrack-fold"));
    command.arg("check").arg(dump).args(["--max-live-at-exit", &live.to_string()]);
    c::output(command.arg("--suppressions").arg(suppressions))
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn suppressions_by_valgrind_are_read() {
    let (folder, known, dump) = recorded("valgrind");
    let mut valgrind = Command::new("valgrind");
    valgrind.args(["--leak-check=full", "--show-leak-kinds=all", "--gen-suppressions=all"]).arg(known);
    let said = text(&c::output(&mut valgrind).stderr);
    // The suppressions are between its other lines, which begin with ==PID==.
    let written: String =
        said.lines().filter(|line| !line.starts_with("==")).map(|line| format!("{line}\n")).collect();
    assert!(written.contains("Memcheck:Leak") && written.contains("fun:leak"), "{said}");
    let all = folder.join("all.supp");
    std::fs::write(&all, &written).unwrap();
    let checked = check(&dump, 0, &all);
    assert!(checked.status.success(), "{}{}", text(&checked.stdout), text(&checked.stderr));
    // Without the suppression of `keep`, its bytes count.
    let blocks = written.split_inclusive("}\n").filter(|block| !block.contains("fun:keep"));
    let some = folder.join("some.supp");
    std::fs::write(&some, blocks.collect::<String>()).unwrap();
    let checked = check(&dump, 6400, &some);
    assert!(checked.status.success() && text(&checked.stdout).contains("231 B"), "{}", text(&checked.stdout));
    assert_eq!(check(&dump, 6399, &some).status.code(), Some(1));
}

#[test]
fn suppressions_for_leak_sanitizer_are_read() {
    let (folder, _, dump) = recorded("lsan");
    let checked = folder.join("checked");
    c::build(
        "gcc",
        &[&FLAGS[..], &["-fsanitize=leak"]].concat(),
        &c::source("known.c"),
        Link::None,
        &checked,
    );
    let file = folder.join("lsan.supp");
    for (pattern, meant) in [("^le*k$", true), ("known.c", true), ("^eak", false)] {
        std::fs::write(&file, format!("# of the program\nleak:{pattern}\n")).unwrap();
        let mut sanitized = Command::new(&checked);
        sanitized.env("LSAN_OPTIONS", format!("suppressions={}", file.display()));
        assert_eq!(c::output(&mut sanitized).status.success(), meant, "LeakSanitizer, {pattern}");
        // For the sanitizer the blocks of `keep` are no leak, because they can be reached.
        let kept = check(&dump, 6400, &file).status.success();
        assert_eq!(kept, meant, "memtrack, {pattern}");
    }
}
