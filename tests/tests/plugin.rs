//! Libraries that contain a tracker, and that a program loads and closes: the program continues, and its dump is
//! written.
//!
//! Planted bug: if the library does not stay loaded (`resident::prevent_unloading` in `core/src/os/linux`), the program
//! crashes at the end of a thread that used it.

use std::path::PathBuf;
use std::process::Command;

use memtrack_format::Cause;
use memtrack_tests::c::{self, Link};
use memtrack_tests::{program, snapshot};

fn host(name: &str) -> PathBuf {
    let built = program::folder(&format!("plugin-{name}")).join("host");
    c::build("gcc", &["-O1"], &c::source("plugin_host.c"), Link::None, &built);
    built
}

#[test]
fn a_closed_library_still_handles_threads_signals_forks_and_the_exit() {
    let host = host("closed");
    let plugin = c::libraries().join("libtracked_plugin.so");
    for (what, variable, causes) in [
        ("thread", ("MEMTRACK_DUMP_PEAK", "1GiB"), &[Cause::Exit][..]),
        ("signal", ("MEMTRACK_DUMP_SIGNAL", "USR1"), &[Cause::Signal, Cause::Exit]),
        ("fork", ("MEMTRACK_DUMP_PEAK", "1GiB"), &[Cause::Exit]),
        ("wait", ("MEMTRACK_DUMP_INTERVAL", "0.05"), &[Cause::Interval, Cause::Exit]),
    ] {
        let dump = host.with_extension(what);
        let mut run = Command::new(&host);
        run.arg(&plugin).arg(what).env("MEMTRACK_DUMP", &dump).env(variable.0, variable.1);
        let output = c::output(&mut run);
        let said = String::from_utf8_lossy(&output.stdout);
        assert_eq!((output.status.code(), &*said), (Some(0), "1\n"), "{what}: {:?}", output.status);
        let bytes = snapshot::file(&dump);
        let snapshots = snapshot::read(&bytes);
        let mut found: Vec<_> = snapshots.iter().map(|snapshot| snapshot.about.cause).collect();
        found.dedup();
        assert_eq!(found, causes, "{what}");
        snapshots[snapshots.len() - 1].assert_adds_up();
    }
}

#[test]
fn the_program_also_continues_without_a_dump() {
    let host = host("without-dump");
    let output = c::output(Command::new(&host).arg(c::libraries().join("libtracked_plugin.so")));
    assert_eq!((output.status.code(), output.stdout), (Some(0), b"1\n".to_vec()), "{:?}", output.status);
}

/// Both versions would define functions of the C library under the same names.
#[test]
fn cargo_refuses_two_versions_in_one_program() {
    let folder = program::folder("plugin-versions");
    let file = |name: &str, text: &str| {
        let path = folder.join(name);
        std::fs::create_dir_all(path.parent().expect("a folder")).unwrap();
        std::fs::write(path, text).unwrap();
    };
    let core = c::workspace().join("core");
    std::fs::copy(c::workspace().join("Cargo.lock"), folder.join("Cargo.lock")).unwrap();
    file(
        "old/Cargo.toml",
        "[package]\nname = \"memtrack-core\"\nversion = \"0.0.1\"\nlinks = \"memtrack\"\n",
    );
    file("old/build.rs", "fn main() {}\n");
    file("old/src/lib.rs", "");
    file("src/main.rs", "fn main() {}\n");
    let manifest = |old: &str| {
        format!(
            "[package]\nname = \"both\"\nversion = \"0.0.0\"\n[workspace]\n[dependencies]\n\
             memtrack-core = {{ path = {core:?} }}\n{old}"
        )
    };
    let metadata = || {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        c::output(
            Command::new(cargo).args(["metadata", "--format-version=1", "--offline"]).current_dir(&folder),
        )
    };
    file("Cargo.toml", &manifest(""));
    let output = metadata();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    file("Cargo.toml", &manifest("old = { package = \"memtrack-core\", path = \"old\" }\n"));
    let output = metadata();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && said.contains("links to the native library `memtrack`"), "{said}");
}
