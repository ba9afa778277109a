//! The installed tree: a C project needs pkg-config or CMake, and no file of this repository.
//!
//! Planted bug: a `ffi/memtrack.pc.in` without the folder of the library fails the first test.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use memtrack_tests::folded::fold;
use memtrack_tests::{c, program};

/// A prefix into which `cargo xtask install` has installed everything, once for all tests.
fn prefix() -> &'static Path {
    static PREFIX: OnceLock<PathBuf> = OnceLock::new();
    PREFIX.get_or_init(|| {
        let prefix = program::folder("c_install-prefix");
        let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        cargo.args(["xtask", "install", "--prefix"]).arg(&prefix).current_dir(c::workspace());
        c::run(cargo.env_remove("DESTDIR"));
        prefix
    })
}

fn pkg_config(arguments: &[&str]) -> Vec<String> {
    let mut command = Command::new("pkg-config");
    command.args(arguments).arg("memtrack").env("PKG_CONFIG_PATH", prefix().join("lib/pkgconfig"));
    c::run(&mut command).split_whitespace().map(String::from).collect()
}

#[test]
fn a_project_builds_with_pkg_config() {
    let folder = program::folder("c_install-pkg-config");
    let build = |flags: &[&str], name: &str| {
        let built = folder.join(name);
        let mut gcc = Command::new("gcc");
        gcc.arg("-g").arg(c::example("c/call.c")).args(pkg_config(flags)).arg("-o").arg(&built);
        c::run(gcc.current_dir(&folder));
        built
    };
    let shared = build(&["--cflags", "--libs"], "shared");
    let said = c::run(Command::new(shared).env("LD_LIBRARY_PATH", prefix().join("lib")));
    assert_eq!(said, "allocations 2000\npeak 26000\nlive 0\n");

    assert_eq!(pkg_config(&["--modversion"]), [env!("CARGO_PKG_VERSION")]);
    assert_eq!(pkg_config(&["--variable=prefix"]), [prefix().to_str().unwrap()]);
}

#[test]
fn cmake_finds_the_package() {
    let folder = program::folder("c_install-cmake");
    let mut configure = Command::new("cmake");
    configure.arg("-S").arg(c::source("cmake")).arg("-B").arg(&folder);
    configure.arg(format!("-DCMAKE_PREFIX_PATH={}", prefix().display()));
    configure.arg(format!("-DEXAMPLES={}", c::example("").display()));
    c::run(&mut configure);
    c::run(Command::new("cmake").arg("--build").arg(&folder));
    for name in ["call", "call_static"] {
        let said = c::run(&mut Command::new(folder.join(name)));
        assert_eq!(said, "allocations 2000\npeak 26000\nlive 0\n", "{name}");
    }
    assert_eq!(c::run(&mut Command::new(folder.join("shapes"))), "area 250001750\nlive 0\n");

    // A version that is not installed is not found.
    let other = folder.join("other");
    std::fs::create_dir_all(&other).unwrap();
    let project =
        "cmake_minimum_required(VERSION 3.13)\nproject(other C)\nfind_package(memtrack 0.99 REQUIRED)\n";
    std::fs::write(other.join("CMakeLists.txt"), project).unwrap();
    let mut configure = Command::new("cmake");
    configure.arg("-S").arg(&other).arg("-B").arg(other.join("build"));
    let output = c::output(configure.arg(format!("-DCMAKE_PREFIX_PATH={}", prefix().display())));
    assert!(!output.status.success());
    assert!(String::from_utf8_lossy(&output.stderr).contains("memtrack"));
}

#[test]
fn the_installed_program_finds_the_installed_library() {
    let folder = program::folder("c_install-record");
    let (words, dump) = (folder.join("words"), folder.join("dump"));
    c::run(Command::new("gcc").args(["-g", "-O1"]).arg(c::example("c/words.c")).arg("-o").arg(&words));
    let mut record = Command::new(prefix().join("bin/memtrack-fold"));
    record.args(["record", "-o"]).arg(&dump).arg("--").arg(&words);
    let input = std::fs::File::open(c::example("c/words.c")).unwrap();
    assert!(c::run(record.stdin(input)).contains("different"));
    let live = fold(&dump, &["-m", "live"]);
    // The rest belongs to the C library: the buffers of input and output.
    assert_eq!(live.under("count_word"), 0);
    assert!(fold(&dump, &["-m", "bytes"]).under("count_word") > 0);
}

#[test]
fn a_staged_tree_names_its_final_prefix() {
    let stage = program::folder("c_install-stage");
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.args(["xtask", "install", "--prefix", "/opt/memtrack"]).current_dir(c::workspace());
    c::run(cargo.env("DESTDIR", &stage));
    let file = stage.join("opt/memtrack/lib/pkgconfig/memtrack.pc");
    assert!(std::fs::read_to_string(file).unwrap().starts_with("prefix=/opt/memtrack\n"));
}
