//! Every trigger of a snapshot in every hostile environment. The program prints the same and exits with the same code as
//! without the library. The library prints a few lines on standard error at most.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use memtrack_format::Cause;
use memtrack_tests::c::{self, Link};
use memtrack_tests::limits;
use memtrack_tests::snapshot;

/// An event that triggers a snapshot.
struct Trigger {
    name: &'static str,
    variable: Option<(&'static str, &'static str)>,
    /// The cause in the snapshot.
    cause: Cause,
}

const TRIGGERS: [Trigger; 6] = [
    Trigger { name: "exit", variable: None, cause: Cause::Exit },
    Trigger { name: "signal", variable: Some(("MEMTRACK_DUMP_SIGNAL", "USR1")), cause: Cause::Signal },
    Trigger { name: "interval", variable: Some(("MEMTRACK_DUMP_INTERVAL", "0.005")), cause: Cause::Interval },
    Trigger { name: "peak", variable: Some(("MEMTRACK_DUMP_PEAK", "1MiB")), cause: Cause::Peak },
    Trigger { name: "failure", variable: None, cause: Cause::Failure },
    Trigger { name: "fork", variable: None, cause: Cause::Exit },
];
const MIB: u64 = 1 << 20;

/// A folder that every user may enter, with the program and the library. It is removed at the end.
struct Place(PathBuf);

impl Place {
    fn new(name: &str) -> Self {
        let place =
            Place(std::env::temp_dir().join(format!("memtrack-hostile-{}-{name}", std::process::id())));
        fs::create_dir_all(&place.0).unwrap();
        fs::set_permissions(&place.0, Permissions::from_mode(0o755)).unwrap();
        c::build("gcc", &["-O1", "-fno-builtin"], &c::source("hostile.c"), Link::None, &place.at("hostile"));
        fs::copy(c::libraries().join("libmemtrack.so"), place.at("libmemtrack.so")).unwrap();
        place
    }

    fn at(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Runs every trigger in one environment, with a dump alone and with a recording beside it. `set` prepares a command;
/// `file` is the path of the dump. Returns the dumps, and the expected cause of each.
fn assert_unharmed(
    place: &Place,
    file: &Path,
    more: &[&str],
    set: impl Fn(&mut Command),
) -> Vec<(PathBuf, Cause)> {
    let mut dumps = Vec::new();
    for Trigger { name, variable, cause } in TRIGGERS {
        for recorded in [false, true] {
            let dump = file.with_extension(format!("{name}{}", if recorded { "-recorded" } else { "" }));
            let run = |tracked: bool| -> Output {
                let mut command = Command::new(place.at("hostile"));
                command.arg(name).args(more).env_remove("MEMTRACK_DUMP");
                if tracked {
                    command.env("LD_PRELOAD", place.at("libmemtrack.so"));
                    command.env("MEMTRACK_DUMP", &dump).envs(variable);
                    if recorded {
                        command.env("MEMTRACK_RECORD", dump.with_extension("image"));
                    }
                }
                set(&mut command);
                c::output(&mut command)
            };
            let (plain, tracked) = (run(false), run(true));
            let said = String::from_utf8_lossy(&tracked.stderr);
            assert_eq!(plain.status.code(), Some(7), "{name}: {plain:?}");
            assert_eq!((tracked.status, &tracked.stdout), (plain.status, &plain.stdout), "{name}: {said}");
            assert!(
                said.lines().count() <= 4 && said.lines().all(|line| line.starts_with("memtrack: ")),
                "{name}: {said}"
            );
            dumps.push((dump, cause));
        }
    }
    dumps
}

/// Asserts that each dump has the triggered snapshot, and that the last one adds up.
fn assert_readable(dumps: &[(PathBuf, Cause)]) {
    for (dump, cause) in dumps {
        let bytes = snapshot::file(dump);
        let snapshots = snapshot::read(&bytes);
        snapshots.last().expect("a snapshot").assert_adds_up();
        let is_there = snapshots.iter().any(|snapshot| snapshot.about.cause == *cause);
        assert!(is_there, "{cause:?} in {}", dump.display());
    }
}

#[test]
fn closed_descriptors() {
    let place = Place::new("closed");
    assert_readable(&assert_unharmed(&place, &place.at("dump"), &["closed"], |_| {}));
}

#[test]
fn a_closed_standard_stream() {
    let place = Place::new("stream");
    let dumps = assert_unharmed(&place, &place.at("dump"), &[], |command| {
        let close = || {
            // SAFETY: the call has no precondition. Output and errors stay open: the suite reads them.
            unsafe { libc::close(0) };
            Ok(())
        };
        // SAFETY: between fork and exec the closure makes one system call.
        unsafe { command.pre_exec(close) };
    });
    assert_readable(&dumps);
}

#[test]
fn a_folder_without_write_permission() {
    // SAFETY: the call only returns a number.
    if unsafe { libc::geteuid() } != 0 {
        return eprintln!("not tested: only root can become another user");
    }
    let place = Place::new("rights");
    let nobody = |command: &mut Command| _ = command.uid(65534).gid(65534);
    for (dump, _) in assert_unharmed(&place, &place.at("dump"), &[], nobody) {
        assert!(!dump.exists());
    }
}

#[test]
fn a_missing_folder() {
    let place = Place::new("missing");
    assert_unharmed(&place, &place.at("no/where/dump"), &[], |_| {});
}

#[test]
fn limits_on_files() {
    let place = Place::new("files");
    let run = |name: &str, limits: &[(libc::__rlimit_resource_t, u64)]| {
        assert_unharmed(&place, &place.at(name), &[], |command| limits::set(command, limits))
    };
    run("none", &[(libc::RLIMIT_FSIZE, 0)]);
    run("part", &[(libc::RLIMIT_FSIZE, 1000)]);
    run("one", &[(libc::RLIMIT_NOFILE, 4)]);
}

#[test]
fn limits_on_memory() {
    let place = Place::new("memory");
    let run = |name: &str, limits: &[(libc::__rlimit_resource_t, u64)]| {
        assert_unharmed(&place, &place.at(name), &[], |command| limits::set(command, limits))
    };
    run("space", &[(libc::RLIMIT_AS, 48 * MIB)]);
    assert_readable(&run("data", &[(libc::RLIMIT_DATA, 48 * MIB)]));
    assert_readable(&run("stack", &[(libc::RLIMIT_STACK, 256 << 10)]));
    assert_readable(&run("locked", &[(libc::RLIMIT_MEMLOCK, 0)]));
}
