//! What is run on a platform.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use super::Platform;
use super::linker::{Language, MINGW, MINGW_CXX};
use super::macho::Linked;
use super::musl_code;
use crate::test::WORKSPACE;
use crate::toolchain::{self, Toolchain};
use crate::{tool, workspace};

/// Something that is run.
#[derive(Clone, Copy)]
pub(super) enum Run {
    /// The tracker's unit tests.
    Units,
    /// Those of some modules.
    UnitsOf(&'static [&'static str]),
    /// One unit test: the rules that the tracker reads from the instructions of musl's code, by this compiler of C and this linker,
    /// are those of the code's unwind table.
    MuslCodeBy(&'static str, &'static str),
    /// The program `everywhere`, by the suite of that name.
    Everywhere,
    /// The same program with a `qsort` that this compiler of C has built without unwind tables and frame pointers: stacks lead
    /// through it.
    SortedBy(&'static str),
    /// The program `on-windows`, the library for C and `memtrack-fold`, by the suite `windows`.
    Windows,
    /// The example `word-index`, whose dump must have names and stacks.
    Example,
    /// The preloaded library and `memtrack-fold record`, by the suites `c_preload` and `c_record`.
    Preload,
    /// The compiler and its lints alone, with these features: the tracker's types are right.
    Check(&'static str),
    /// The tracker's unit tests are linked, for a platform whose programs nothing runs here.
    LinkUnits,
    /// A file for macOS is linked and inspected.
    Link(Linked),
}

impl Run {
    pub(super) fn on(self, platform: &Platform) -> Result<()> {
        match self {
            Run::Units => tool::run(&mut units(platform)?),
            Run::UnitsOf(modules) => tool::run(units(platform)?.arg("--").args(modules)),
            Run::MuslCodeBy(compiler, linker) => {
                let library = musl_code::build(compiler, linker, &target().join(platform.name).join("musl"))?;
                let mut test = units(platform)?;
                test.args(["--", "the_reader_and_the_table_of_a_file_agree"]);
                tool::run(test.env("MEMTRACK_COMPARED_LIBRARY", library))
            }
            Run::Everywhere => {
                let program = build(platform, "everywhere")?;
                everywhere(platform.name, &program, &platform.runner.words()?, platform.lacks)
            }
            Run::SortedBy(compiler) => sorted(platform, compiler),
            Run::Windows => windows(platform),
            Run::Example => example(platform),
            Run::Preload => preload(platform),
            Run::Check(features) => {
                let mut check = cargo(platform, "check")?;
                check.args(["--package", "memtrack-core", "--features", features]);
                Toolchain::for_target(platform.triple)?.choose_lints(&mut check);
                tool::run(check.env("RUSTFLAGS", "-Dwarnings"))
            }
            Run::LinkUnits => tool::run(units(platform)?.arg("--no-run")),
            Run::Link(linked) => {
                tool::run(cargo(platform, "build")?.args(["--package", linked.package]))?;
                linked.inspect(&target().join(platform.triple).join("debug"))
            }
        }
    }
}

/// The folder in which cargo builds for a platform.
fn target() -> PathBuf {
    workspace::root().join("target/platforms")
}

/// A cargo command for a platform.
fn cargo(platform: &Platform, command: &str) -> Result<Command> {
    let toolchain = Toolchain::for_target(platform.triple)?;
    let mut cargo = tool::cargo_command(&[command, "--quiet", "--target", platform.triple]);
    cargo.arg("--target-dir").arg(target());
    let named = |what| format!("CARGO_TARGET_{}_{what}", platform.triple.to_uppercase().replace('-', "_"));
    if let Some(linker) = platform.linker.path()? {
        cargo.env(named("LINKER"), linker);
    }
    let runner = platform.runner.words()?;
    if !runner.is_empty() {
        cargo.env(named("RUNNER"), runner.join(" "));
    }
    let flags = env::var("RUSTFLAGS").unwrap_or_default();
    cargo.env("RUSTFLAGS", format!("{flags} {} {}", platform.flags, platform.linker.flags(&toolchain)?));
    if platform.triple.contains("apple") {
        // Apple's libraries come from zig: no search for those of a Mac.
        cargo.env("SDKROOT", workspace::root());
        // Debian's compiler lacks the program that strips files of this format.
        cargo.env("CARGO_PROFILE_DEV_STRIP", "false");
        if let Some(compiler) = platform.linker.path()? {
            cargo.env(format!("CC_{}", platform.triple.replace('-', "_")), compiler);
        }
    }
    // Names come from the symbol table. Without debug information the standard library is built faster.
    cargo.env("CARGO_PROFILE_DEV_DEBUG", "0");
    toolchain.choose(&mut cargo, "std,panic_unwind,test");
    Ok(cargo)
}

/// The tracker's unit tests.
fn units(platform: &Platform) -> Result<Command> {
    let mut tests = cargo(platform, "test")?;
    tests.args(["--package", "memtrack-core", "--lib"]);
    Ok(tests)
}

/// The folder with what cargo has built for a platform.
fn built(platform: &Platform) -> PathBuf {
    target().join(platform.triple).join("debug")
}

/// Builds a program for a platform, and returns its path.
fn build(platform: &Platform, package: &str) -> Result<PathBuf> {
    tool::run(cargo(platform, "build")?.args(["--package", package]))?;
    let file =
        if platform.triple.contains("windows") { format!("{package}.exe") } else { package.to_owned() };
    // Platforms of one target would replace each other's program.
    copy(&built(platform).join(file), &target().join(platform.name))
}

/// Copies a file into a folder, and returns its path there.
fn copy(file: &Path, folder: &Path) -> Result<PathBuf> {
    let own = folder.join(file.file_name().context("a file")?);
    fs::create_dir_all(folder)?;
    // A program that is in use cannot be written, but another one can be put in its place.
    if own.exists() {
        fs::remove_file(&own)?;
    }
    fs::copy(file, &own)?;
    Ok(own)
}

/// Builds the programs of a package for a platform, optimised, and returns their folder.
pub(super) fn released(platform: &Platform, package: &str) -> Result<PathBuf> {
    tool::run(cargo(platform, "build")?.args(["--release", "--package", package]))?;
    Ok(target().join(platform.triple).join("release"))
}

/// Builds this machine's `memtrack-fold`, with the packages of `cargo xtask test`: with others it would have other features, and be
/// built again.
pub(super) fn build_fold() -> Result<()> {
    tool::run(tool::cargo_command(&["build", "--quiet", "--bin", "memtrack-fold"]).args(WORKSPACE))
}

/// A suite of this machine that runs a program of another platform. The suite gets the program, and the words in front of it, by
/// environment variables with a prefix.
fn suite(name: &str, prefix: &str, program: &Path, runner: &[String]) -> Result<Command> {
    build_fold()?;
    let mut suite = tool::cargo_command(&["test", "--quiet", "--test", name]);
    suite.args(WORKSPACE).env(format!("{prefix}_PROGRAM"), program);
    suite.env(format!("{prefix}_RUNNER"), runner.join(" "));
    Ok(suite)
}

/// Runs the suite `everywhere` with a program of the platform `name`.
pub(super) fn everywhere(name: &str, program: &Path, runner: &[String], lacks: &[&str]) -> Result<()> {
    let mut suite = suite("everywhere", "MEMTRACK_EVERYWHERE", program, runner)?;
    suite.env("MEMTRACK_EVERYWHERE_PLATFORM", name);
    tool::run(suite.env("MEMTRACK_EVERYWHERE_LACKS", lacks.join(" ")))
}

fn sorted(platform: &Platform, compiler: &str) -> Result<()> {
    const FLAGS: [&str; 5] =
        ["-O2", "-fomit-frame-pointer", "-fno-asynchronous-unwind-tables", "-fno-unwind-tables", "-c"];
    let folder = target().join(platform.name).join("sorted");
    fs::create_dir_all(&folder)?;
    let object = folder.join("qsort.o");
    let source = workspace::root().join("tests/everywhere/qsort.c");
    tool::run(Command::new(compiler).args(FLAGS).arg(source).arg("-o").arg(&object))?;
    let mut build = cargo(platform, "rustc")?;
    build.args(["--package", "everywhere", "--"]).arg(format!("-Clink-arg={}", object.display()));
    tool::run(&mut build)?;
    let program = copy(&built(platform).join("everywhere"), &folder)?;
    let mut suite = suite("everywhere", "MEMTRACK_EVERYWHERE", &program, &platform.runner.words()?)?;
    suite.env("MEMTRACK_EVERYWHERE_PLATFORM", platform.name);
    tool::run(suite.args(["--", "--exact", "stacks_through_the_c_library_are_whole"]))
}

fn windows(platform: &Platform) -> Result<()> {
    let program = build(platform, "on-windows")?;
    tool::run(cargo(platform, "build")?.args(["--package", "memtrack-ffi"]))?;
    tool::run(cargo(platform, "build")?.args([
        "--package",
        "memtrack-host-tools",
        "--bin",
        "memtrack-fold",
    ]))?;
    let mut suite = suite("windows", "MEMTRACK_WINDOWS", &program, &platform.runner.words()?)?;
    let built = built(platform);
    suite.env("MEMTRACK_WINDOWS_EVERYWHERE", built.join("everywhere.exe"));
    suite.env("MEMTRACK_WINDOWS_FOLD", built.join("memtrack-fold.exe"));
    suite.env("MEMTRACK_WINDOWS_LINK", format!("{} -flavor link", toolchain::rust_lld()?.display()));
    suite.env("MEMTRACK_WINDOWS_LIBRARIES", built).env("MEMTRACK_WINDOWS_GCC", MINGW);
    suite.env("MEMTRACK_WINDOWS_GXX", MINGW_CXX);
    tool::run(&mut suite)
}

/// The tests that need a compiler of C and C++ alone. Others need more of the platform's programs or libraries, or flags that
/// zig lacks: `-no-pie` in a program that is linked dynamically, `-Bsymbolic-functions`.
const PRELOAD: [(&str, &[&str]); 2] = [
    (
        "c_preload",
        &[
            "a_program_that_links_the_shared_library_tracks_only_its_own_calls",
            "a_program_with_its_own_allocator_is_not_tracked",
            "every_function_of_the_family_is_counted_and_works_the_same",
            "stacks_through_code_without_unwind_tables_are_whole",
            "threads_may_allocate_until_their_end",
        ],
    ),
    (
        "c_record",
        &[
            "a_new_peak_is_dumped_on_request",
            "every_child_writes_its_own_dump",
            "the_dumps_of_a_family_are_merged_even_if_it_clears_its_environment",
        ],
    ),
];

fn preload(platform: &Platform) -> Result<()> {
    let compiler = |language| platform.linker.compiler(language)?.context("a compiler of C");
    let (c, cxx) = (compiler(Language::C)?, compiler(Language::Cxx)?);
    tool::run(cargo(platform, "build")?.args(["--package", "memtrack-ffi"]))?;
    build_fold()?;
    let folder = target().join(platform.name);
    for file in ["libmemtrack.a", "libmemtrack.so"] {
        copy(&built(platform).join(file), &folder)?;
    }
    // This machine's finds the platform's library beside itself.
    copy(&workspace::target()?.join("debug/memtrack-fold"), &folder)?;
    for (suite, tests) in PRELOAD {
        let mut run = tool::cargo_command(&["test", "--quiet", "--test", suite]);
        run.args(WORKSPACE).args(["--", "--exact"]).args(tests);
        run.env("MEMTRACK_C_COMPILER", &c).env("MEMTRACK_CXX_COMPILER", &cxx);
        run.env("MEMTRACK_C_LIBRARIES", &folder);
        let said = tool::output(&mut run)?;
        let said = String::from_utf8_lossy(&said);
        let ran = format!("running {} tests", tests.len());
        ensure!(said.contains(&ran), "the suite {suite} lacks one of {tests:?}:\n{said}");
    }
    Ok(())
}

fn example(platform: &Platform) -> Result<()> {
    let program = build(platform, "word-index")?;
    let dump = program.with_extension("memtrack");
    // The tracker appends to a file that exists.
    if dump.exists() {
        fs::remove_file(&dump)?;
    }
    let runner = platform.runner.words()?.into_iter().map(Into::into);
    let mut words = runner.chain([program.clone().into_os_string()]);
    let mut run = tool::at_root(words.next().unwrap_or_default());
    tool::run(run.args(words).env("MEMTRACK_DUMP", &dump))?;
    let mut fold = Command::new(workspace::target()?.join("debug/memtrack-fold"));
    let folded = tool::output(fold.arg(&dump).args(["--metric", "peak", "--binary"]).arg(&program))?;
    let folded = String::from_utf8_lossy(&folded);
    let is_named = |line: &str| line.contains("word_index::main;");
    ensure!(folded.lines().any(is_named), "the stacks of word-index are not named:\n{folded}");
    Ok(())
}
