//! Resource limits on memory: the preloaded library takes only the memory that its tables need. When it gets no more
//! memory, its tables are full, which is counted.

use std::path::{Path, PathBuf};
use std::process::Output;

use memtrack_format::LossCause;
use memtrack_tests::c::{self, Link};
use memtrack_tests::snapshot;
use memtrack_tests::{limits, program};

const MIB: u64 = 1 << 20;

fn built(source: &str, link: Link) -> PathBuf {
    let path = c::source(source);
    let name = path.file_stem().and_then(|name| name.to_str()).expect("a source file");
    let built = program::folder(&format!("limits-{name}")).join(name);
    c::build("gcc", &["-O1", "-fno-builtin"], &path, link, &built);
    built
}

/// The program of these tests, built once.
fn limited() -> &'static Path {
    static BUILT: std::sync::OnceLock<PathBuf> = std::sync::OnceLock::new();
    BUILT.get_or_init(|| built("limited.c", Link::None))
}

type Limits<'l> = &'l [(libc::__rlimit_resource_t, libc::rlim_t)];

/// Runs the program within limits.
fn plain(what: &str, limits: Limits<'_>) -> Output {
    limits::output(limited().to_str().unwrap(), &[what], &[], limits)
}

/// The same under the preloaded library. Returns its output and its dump.
fn preloaded(what: &str, limits: Limits<'_>) -> (Output, PathBuf) {
    let dump = limited().with_file_name(format!("{what}-{}.dump", limits.len()));
    let library = c::libraries().join("libmemtrack.so");
    let environment = [("LD_PRELOAD", library.as_os_str()), ("MEMTRACK_DUMP", dump.as_os_str())];
    let output = limits::output(limited().to_str().unwrap(), &[what], &environment, limits);
    assert!(output.status.success(), "{what} {limits:?}: {output:?}");
    (output, dump)
}

/// A number that the program printed.
#[track_caller]
fn fact(output: &Output, name: &str) -> u64 {
    let text = String::from_utf8_lossy(&output.stdout);
    let found = text.lines().find_map(|line| line.strip_prefix(name)?.trim().parse().ok());
    found.unwrap_or_else(|| panic!("{name} in {text}{}", String::from_utf8_lossy(&output.stderr)))
}

#[test]
fn a_program_starts_within_its_limits() {
    for limit in [libc::RLIMIT_DATA, libc::RLIMIT_AS] {
        let (output, dump) = preloaded("plain", &[(limit, 48 * MIB)]);
        assert_eq!(fact(&output, "allocations"), 16);
        let bytes = snapshot::file(&dump);
        let last = snapshot::last(&bytes);
        last.assert_adds_up();
        assert!(last.losses.is_empty(), "{:?}", last.losses);
    }
}

#[test]
fn a_small_program_has_small_tables() {
    let (plain, (tracked, _)) = (plain("plain", &[]), preloaded("plain", &[]));
    let more = |name: &str| fact(&tracked, name) - fact(&plain, name);
    println!("address space +{} kB, resident +{} kB", more("size"), more("resident"));
    assert!(more("size") < 16 << 10, "+{} kB of address space", more("size"));
    assert!(more("resident") < 3 << 10, "+{} kB resident", more("resident"));
}

#[test]
fn a_program_that_locks_its_memory_locks_little_more() {
    let plain = plain("lock", &[]);
    let (tracked, dump) = preloaded("lock", &[]);
    assert_eq!(fact(&tracked, "failed"), fact(&plain, "failed"));
    // The limit on locked memory counts the whole address space of the process.
    let more = fact(&tracked, "locked") - fact(&plain, "locked");
    assert!(more < 16 << 10, "+{more} kB locked");
    snapshot::last(&snapshot::file(&dump)).assert_adds_up();
}

#[test]
fn tables_without_more_memory_are_full() {
    for what in ["fill", "child"] {
        let (output, mut dump) = preloaded(what, &[]);
        assert_eq!(fact(&output, "allocations"), 1 << 15);
        if what == "child" {
            dump = child_of(&dump);
        }
        let bytes = snapshot::file(&dump);
        let last = snapshot::last(&bytes);
        last.assert_adds_up();
        assert!(last.marks.figures.allocs >= 1 << 15, "every event is counted");
        let full = last.lost(LossCause::CellsFull) + last.lost(LossCause::StacksFull);
        assert!(full > 1000 && full < 1 << 16, "{full}");
        assert!(last.losses.iter().all(|loss| {
            matches!(loss.cause, LossCause::CellsFull | LossCause::StacksFull | LossCause::Unwind)
        }));
    }
}

/// The dump of a forked child: it lies beside its parent's, and its name ends in a process id.
fn child_of(dump: &Path) -> PathBuf {
    let name = format!("{}.", dump.file_name().unwrap().to_str().unwrap());
    let files = std::fs::read_dir(dump.parent().unwrap()).unwrap().map(|entry| entry.unwrap().path());
    let mut children = files.filter(|file| file.file_name().unwrap().to_str().unwrap().starts_with(&name));
    children.next().expect("a dump of the child")
}

#[test]
fn without_memory_for_the_tables_nothing_is_tracked() {
    let program = built("no_tables.c", Link::Static);
    let output = program::output(program.to_str().unwrap(), &[], &[]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}{said}", String::from_utf8_lossy(&output.stdout));
    assert_eq!(
        said,
        "memtrack: nothing is tracked: there is no memory for the tables: raise the limits of address space and data \
         (ulimit -v, ulimit -d)\n"
    );
}
