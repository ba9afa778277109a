//! The dynamic linker: the tracker never waits for its lock, all modules that it has loaded have names, the stacks
//! that begin in it are complete, and so are those of programs with gaps between their segments.
//!
//! Planted bug: with an `each_mapped` in `core/src/os/linux/elf/loaded.rs` that calls `dl_iterate_phdr`, five of the
//! six cases wait for ever.

use std::ffi::CString;
use std::io;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use memtrack_format::Cause;
use memtrack_tests::c::{self, Link};
use memtrack_tests::folded::fold;
use memtrack_tests::{program, snapshot};

fn build(name: &str, flags: &[&str]) -> PathBuf {
    let built = program::folder(&format!("loader-{name}{}", flags.concat())).join(name);
    let flags = [&["-O1", "-fno-optimize-sibling-calls"], flags].concat();
    c::build("gcc", &flags, &c::source(&format!("{name}.c")), Link::None, &built);
    built
}

fn library(program: &Path) -> PathBuf {
    c::plugin("first", 208, &[], program.parent().expect("a folder"))
}

fn causes(dump: &Path) -> Vec<Cause> {
    snapshot::read(&snapshot::file(dump)).iter().map(|snapshot| snapshot.about.cause).collect()
}

#[test]
fn no_event_waits_for_the_dynamic_linkers_lock() {
    let program = build("held", &[]);
    let library = library(&program);
    let cases = [
        ("failure", None, vec![Cause::Failure, Cause::Exit]),
        ("peak", Some(("MEMTRACK_DUMP_PEAK", "512KiB")), vec![Cause::Peak, Cause::Exit]),
        ("signal", Some(("MEMTRACK_DUMP_SIGNAL", "USR1")), vec![Cause::Signal, Cause::Exit]),
        ("exit", None, vec![Cause::Exit]),
        ("child", None, vec![Cause::Exit]),
        ("library", None, vec![Cause::Exit]),
    ];
    for (case, variable, expected) in cases {
        let dump = program.with_extension(case);
        let mut run = Command::new(&program);
        run.arg(case).arg(&library).envs(variable);
        let output = c::preloaded(&mut run, &dump);
        assert!(output.status.success() && output.stdout == b"fine\n", "{case}: {output:?}");
        assert_eq!(causes(&dump), expected, "{case}");
    }
}

#[test]
fn no_event_waits_for_it_in_a_recording() {
    let program = build("held", &["-DRECORDED"]);
    let library = library(&program);
    for case in ["library", "child"] {
        let recording = program.with_extension(case);
        let mut run = Command::new(&program);
        run.arg(case).arg(&library).env("MEMTRACK_RECORD", &recording);
        let output = c::preloaded(&mut run, &program.with_extension("dump"));
        assert!(output.status.success() && output.stdout == b"fine\n", "{case}: {output:?}");
        // The recording has the names already: the library was added to the annex while the lock was held.
        let blocks = if case == "library" { 1 } else { 0 };
        assert_eq!(fold(&recording, &["-m", "allocs"]).under("first"), blocks, "{case}");
    }
}

/// Asserts that the ten blocks of `layout` are under its functions, and that nothing is lost.
fn assert_whole(dump: &Path, program: &Path) {
    let bytes = snapshot::file(dump);
    let last = snapshot::last(&bytes);
    last.assert_adds_up();
    assert!(last.losses.is_empty(), "{:?}", last.losses);
    let path = String::from_utf8_lossy(last.modules[0].path);
    assert_eq!(Path::new(&*path), program);
    let graph = fold(dump, &["-m", "allocs"]);
    let chain = ["main", "first", "second", "third"];
    let exact = graph.stacks().filter(|(frames, _)| frames.ends_with(&chain));
    assert_eq!(exact.map(|(_, count)| count).sum::<u64>(), 10, "{}", dump.display());
}

const LAYOUTS: [&[&str]; 4] = [
    &[],
    &["-Wl,-z,max-page-size=0x200000"],
    &["-Wl,-z,noseparate-code"],
    &["-no-pie", "-Wl,-z,max-page-size=0x200000"],
];

#[test]
fn stacks_are_complete_for_every_layout_of_segments() {
    for flags in LAYOUTS {
        let program = build("layout", flags);
        let dump = program.with_extension("dump");
        assert!(c::preloaded(&mut Command::new(&program), &dump).status.success());
        assert_whole(&dump, &program);
    }
}

#[test]
fn code_that_the_dynamic_linker_calls_has_complete_stacks() {
    let folder = program::folder("loader-constructor");
    let (library, program) = (folder.join("libconstructor.so"), folder.join("empty"));
    c::build("gcc", &["-shared", "-fPIC"], &c::source("constructor.c"), Link::None, &library);
    let (library, rpath) = (library.to_str().expect("text"), format!("-Wl,-rpath,{}", folder.display()));
    c::build("gcc", &["-Wl,--no-as-needed", library, &rpath], &c::source("empty.c"), Link::None, &program);
    let dump = folder.join("dump");
    assert!(c::preloaded(&mut Command::new(&program), &dump).status.success());
    let bytes = snapshot::file(&dump);
    let last = snapshot::last(&bytes);
    last.assert_adds_up();
    assert!(last.losses.is_empty(), "{:?}", last.losses);
    assert_eq!(fold(&dump, &["-m", "allocs"]).under("at_loading"), 100);
}

#[test]
fn libraries_of_other_namespaces_have_names() {
    let program = build("apart", &[]);
    let (library, dump) = (library(&program), program.with_extension("dump"));
    assert!(c::preloaded(Command::new(&program).arg(&library), &dump).status.success());
    let bytes = snapshot::file(&dump);
    let named = |module: &&memtrack_format::Module<'_>| module.path == library.to_str().unwrap().as_bytes();
    let last = snapshot::last(&bytes);
    assert_eq!(last.modules.iter().find(named).map(|module| module.build_id.len()), Some(20));
    assert_eq!(fold(&dump, &["-m", "allocs"]).under("first"), 30);
}

/// The path of the dynamic linker.
fn linker(dump: &Path) -> PathBuf {
    let bytes = snapshot::file(dump);
    let last = snapshot::last(&bytes);
    let paths = last.modules.iter().map(|module| String::from_utf8_lossy(module.path).into_owned());
    let path =
        paths.into_iter().find(|path| path.rsplit('/').next().is_some_and(|name| name.starts_with("ld")));
    path.expect("a dynamic linker").into()
}

#[test]
fn a_program_started_through_the_dynamic_linker_has_its_own_path() {
    for (number, flags) in LAYOUTS.into_iter().enumerate() {
        let program = build("layout", &[flags, &["-DSTARTED"]].concat());
        let dump = program.with_extension(number.to_string());
        assert!(c::preloaded(&mut Command::new(&program), &dump).status.success());
        let linker = linker(&dump);
        assert!(c::preloaded(Command::new(&linker).arg(&program), &dump).status.success());
        assert_whole(&dump, &program);
    }
}

/// Hides `/proc` from the program.
fn without_proc(command: &mut Command) -> &mut Command {
    fn mount(source: &str, to: &str, kind: &str, flags: libc::c_ulong) -> libc::c_int {
        let [source, to, kind] = [source, to, kind].map(|text| CString::new(text).unwrap_or_default());
        // SAFETY: the arguments are C strings, and there is no data.
        unsafe { libc::mount(source.as_ptr(), to.as_ptr(), kind.as_ptr(), flags, std::ptr::null()) }
    }
    let hide = || {
        // SAFETY: the calls only affect the new process.
        let is_apart = unsafe {
            libc::unshare(libc::CLONE_NEWNS) == 0
                || libc::unshare(libc::CLONE_NEWUSER | libc::CLONE_NEWNS) == 0
        };
        let is_hidden = is_apart
            && mount("none", "/", "", libc::MS_REC | libc::MS_PRIVATE) == 0
            && mount("none", "/proc", "tmpfs", libc::MS_RDONLY) == 0;
        if is_hidden { Ok(()) } else { Err(io::Error::last_os_error()) }
    };
    // SAFETY: the suite's other threads hold no lock that the system calls need; the strings are the child's own.
    unsafe { command.pre_exec(hide) }
}

#[test]
fn without_proc_names_and_stacks_are_complete() {
    for (number, flags) in LAYOUTS.into_iter().enumerate() {
        let program = build("layout", &[flags, &["-DHIDDEN"]].concat());
        let (folder, dump) =
            (program.parent().expect("a folder"), program.with_extension(number.to_string()));
        let run = &mut Command::new("./layout");
        assert!(c::preloaded(without_proc(run.current_dir(folder)), &dump).status.success());
        // The path is as it was started: relative to its folder.
        assert_whole(&dump, &folder.join("./layout"));
        let run = &mut Command::new(linker(&dump));
        assert!(c::preloaded(without_proc(run.arg(&program)), &dump).status.success());
        assert_whole(&dump, &program);
    }
}
