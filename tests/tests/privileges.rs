//! The files that a program writes because of its environment: none if the program has more rights than the user who
//! started it, and never one that another user may have put there.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt, chown, symlink};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use memtrack_tests::c;
use memtrack_tests::program::{self, folder};
use memtrack_tests::snapshot;

const LEAVE: &str = env!("CARGO_BIN_EXE_leave");
const VARIABLES: [&str; 2] = ["MEMTRACK_DUMP", "MEMTRACK_RECORD"];
const NOBODY: u32 = 65534;

fn is_root() -> bool {
    // SAFETY: the call only returns a number.
    unsafe { libc::geteuid() == 0 }
}

/// A folder that every user can reach, on a file system that honours set-user-id. It is removed at the end.
struct Open(PathBuf);

impl Open {
    fn new(name: &str) -> Self {
        let folder = Path::new("/var/tmp").join(format!("memtrack-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir(&folder).unwrap();
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o755)).unwrap();
        Open(folder)
    }

    /// A folder in it in which every user may create files, and may only remove their own, like `/tmp`.
    fn shared(&self) -> PathBuf {
        let shared = self.0.join("shared");
        fs::create_dir(&shared).unwrap();
        fs::set_permissions(&shared, fs::Permissions::from_mode(0o1777)).unwrap();
        shared
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn text(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// The wrapped C program, linked dynamically and statically.
fn programs(folder: &Path) -> Vec<PathBuf> {
    let kinds: [(&str, &[&str]); 2] = [("dynamic", &[]), ("static", &["-static", "-Wl,--eh-frame-hdr"])];
    let built = kinds.map(|(name, flags)| {
        let built = folder.join(name);
        let mut gcc = Command::new("gcc");
        gcc.args(["-g", "-Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc,--wrap=free"]).args(flags);
        gcc.arg(c::source("rights.c")).arg(c::libraries().join("libmemtrack.a"));
        // The linker warns about functions that do not work in static programs.
        assert!(c::output(gcc.args(["-pthread", "-ldl", "-lm", "-o"]).arg(&built)).status.success());
        built
    });
    built.into()
}

#[test]
fn a_program_with_more_rights_than_its_user_ignores_the_variables() {
    if !is_root() {
        return eprintln!("not tested: only root can make a set-user-id program");
    }
    let folder = Open::new("set-user-id");
    for program in programs(&folder.0) {
        for variable in VARIABLES {
            let (precious, new) = (folder.0.join("precious"), folder.0.join("new"));
            let run = |uid: u32, value: &OsStr| {
                let mut command = Command::new(&program);
                command.env_remove("MEMTRACK_DUMP").env(variable, value).uid(uid).gid(uid);
                c::output(&mut command)
            };
            // Without more rights it obeys the variables.
            fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
            let output = run(0, new.as_os_str());
            assert_eq!(text(&output), "0 0\n");
            assert!(!snapshot::file(&new).is_empty(), "{variable}");
            fs::remove_file(&new).unwrap();

            fs::write(&precious, "precious").unwrap();
            for bits in [0o4755, 0o2755] {
                fs::set_permissions(&program, fs::Permissions::from_mode(bits)).unwrap();
                for path in [&precious, &new] {
                    let output = run(NOBODY, path.as_os_str());
                    let effective = if bits == 0o4755 { 0 } else { NOBODY };
                    assert_eq!(text(&output), format!("{NOBODY} {effective}\n"), "{variable}");
                }
                assert_eq!(fs::read(&precious).unwrap(), b"precious", "{variable} {bits:o}");
                assert!(!new.exists(), "{variable} {bits:o}");
            }
        }
    }
}

/// Asserts that a variable's value is refused: the program runs as without it, and one line gives the reason.
fn assert_refused(variable: &str, path: &Path, why: &str) {
    let mut command = Command::new(LEAVE);
    command.arg("return").env_remove("MEMTRACK_DUMP").env(variable, path);
    let output = c::output(&mut command);
    let said = text(&output);
    assert!(output.status.success() && said.lines().count() == 1, "{variable}={}: {said}", path.display());
    assert!(said.starts_with("memtrack: ") && said.contains(why), "{variable}={}: {said}", path.display());
}

#[test]
fn variables_may_only_name_regular_files() {
    let folder = folder("privileges-files");
    let at = |name: &str| folder.join(name);
    fs::write(at("target"), "kept").unwrap();
    symlink(at("target"), at("link")).unwrap();
    symlink(at("nothing"), at("dangling")).unwrap();
    fs::write(at("one"), "kept").unwrap();
    fs::hard_link(at("one"), at("other")).unwrap();
    fs::create_dir(at("folder")).unwrap();
    assert!(Command::new("mkfifo").arg(at("pipe")).status().unwrap().success());
    for variable in VARIABLES {
        assert_refused(variable, &at("link"), "symbolic link");
        assert_refused(variable, &at("dangling"), "symbolic link");
        assert_refused(variable, &at("other"), "hard link");
        assert_refused(variable, &at("folder"), "Is a directory");
        // The pipe has no reader: a program that waits for one waits for ever.
        assert_refused(variable, &at("pipe"), "not a regular file");
        assert_refused(variable, Path::new("/dev/null"), "not a regular file");
    }
    assert!(!at("nothing").exists() && fs::symlink_metadata(at("pipe")).unwrap().file_type().is_fifo());
    for kept in ["target", "one"] {
        assert_eq!(fs::read(at(kept)).unwrap(), b"kept");
    }
}

#[test]
fn files_are_only_accessible_to_their_owner() {
    let folder = folder("privileges-mode");
    for variable in VARIABLES {
        let path = folder.join(variable);
        let output = program::output(LEAVE, &["return"], &[(variable, path.as_os_str())]);
        assert!(output.status.success(), "{}", text(&output));
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o600, "{variable}");
        // A second run writes to the same file, and does not change its mode.
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        let output = program::output(LEAVE, &["return"], &[(variable, path.as_os_str())]);
        assert_eq!((output.status.code(), text(&output)), (Some(0), String::new()));
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o640, "{variable}");
    }
}

#[test]
fn another_users_files_are_not_written() {
    if !is_root() {
        return eprintln!("not tested: only root has another user's files");
    }
    let folder = Open::new("foreign");
    let shared = folder.shared();
    for variable in VARIABLES {
        let foreign = shared.join(variable);
        fs::write(&foreign, "foreign").unwrap();
        fs::set_permissions(&foreign, fs::Permissions::from_mode(0o666)).unwrap();
        chown(&foreign, Some(NOBODY), Some(NOBODY)).unwrap();
        assert_refused(variable, &foreign, "another user");
        assert_eq!(fs::read(&foreign).unwrap(), b"foreign", "{variable}");
    }
}

/// A path in code is the program's own choice.
#[test]
fn code_may_name_any_file_that_the_program_may_open() {
    let folder = folder("privileges-code");
    let (link, target) = (folder.join("link"), folder.join("target"));
    symlink(&target, &link).unwrap();
    let mut program = Command::new(env!("CARGO_BIN_EXE_known"));
    let output = c::output(program.arg("stages").arg(&link).env_remove("MEMTRACK_DUMP"));
    assert!(output.status.success(), "{}", text(&output));
    assert!(!snapshot::file(&target).is_empty() && link.is_symlink());
    assert_eq!(fs::metadata(&target).unwrap().mode() & 0o777, 0o600);
}
