//! Output files are never written in part, and never replace anything but a file.

use std::io::Read;
use std::process::Stdio;

use crate::dumps;
use crate::program::{Place, command};

fn place() -> Place {
    Place::with(&dumps::full())
}

#[test]
fn the_extension_selects_the_format() {
    let place = place();
    for (file, begins) in
        [("x.svg", "<?xml"), ("x.folded", "[heap arena];"), ("x.txt", "server: bytes allocated (43.9 KiB)\n")]
    {
        assert_eq!(place.run(&format!("dump.bin -o {file}")).ok(), "");
        let written = std::fs::read_to_string(place.path(file)).unwrap();
        assert!(written.starts_with(begins), "{file}");
    }
    place.run("dump.bin -f folded -o y.svg").ok();
    assert!(
        std::fs::read_to_string(place.path("y.svg")).unwrap().starts_with("[heap arena];"),
        "--format wins"
    );
    assert_eq!(place.run("dump.bin -o -").ok(), place.run("dump.bin").ok());
    place.run("dump.bin --list-threads -o threads").ok();
    assert!(std::fs::read_to_string(place.path("threads")).unwrap().contains("worker #2"));
    place.run("info dump.bin -o info.txt").ok();
    assert!(std::fs::read_to_string(place.path("info.txt")).unwrap().contains("server"));
}

#[test]
fn an_output_that_cannot_be_written_leaves_nothing() {
    let place = place();
    let line = place.run("dump.bin -o missing/x.svg").refused(4);
    assert_eq!(line, "cannot write missing/x.svg: No such file or directory (os error 2)");
    std::fs::create_dir(place.path("d.svg")).unwrap();
    assert!(place.run("dump.bin -o d.svg").refused(4).contains("cannot write d.svg"));
    assert!(place.run("dump.bin -f svg -o dump.bin/x").refused(4).contains("cannot write"));
    assert_eq!(place.files(), ["d.svg", "dump.bin"]);
}

#[test]
fn an_old_file_stays_if_the_run_fails() {
    let place = place();
    place.file("x.svg", b"before");
    assert_eq!(place.run("dump.bin -t nobody -o x.svg").code, 2);
    assert_eq!(std::fs::read(place.path("x.svg")).unwrap(), b"before");
    place.run("dump.bin -o x.svg").ok();
    assert!(std::fs::read(place.path("x.svg")).unwrap().starts_with(b"<?xml"));
    assert_eq!(place.files(), ["dump.bin", "x.svg"]);
}

#[cfg(unix)]
#[test]
fn links_modes_and_devices_are_kept() {
    use std::os::unix::fs::{PermissionsExt, symlink};
    let place = place();
    place.file("real.txt", b"before");
    let private = std::fs::Permissions::from_mode(0o600);
    std::fs::set_permissions(place.path("real.txt"), private).unwrap();
    symlink("real.txt", place.path("link.txt")).unwrap();
    place.run("dump.bin -o link.txt").ok();
    assert!(place.path("link.txt").is_symlink());
    let metadata = std::fs::metadata(place.path("real.txt")).unwrap();
    assert_eq!(metadata.permissions().mode() & 0o777, 0o600);
    assert!(metadata.len() > 100);
    place.run("dump.bin -o new.txt").ok();
    let mode = |name: &str| std::fs::metadata(place.path(name)).unwrap().permissions().mode() & 0o777;
    place.file("plain", b"");
    assert_eq!(mode("new.txt"), mode("plain"), "as any new file");
    // Replacing `/dev/full` by a file would do harm. Writing to it fails as on a full disk.
    symlink("/dev/full", place.path("full.txt")).unwrap();
    assert!(place.run("dump.bin -o full.txt").refused(4).contains("No space left"));
    assert!(place.run("dump.bin -f text -o /dev/null").ok().is_empty());
}

#[test]
fn a_full_disk_behind_standard_output_is_an_error() {
    let place = place();
    let Ok(full) = std::fs::OpenOptions::new().write(true).open("/dev/full") else { return };
    let output = command(place.dir.path()).arg("dump.bin").stdout(full).output().unwrap();
    assert_eq!(output.status.code(), Some(4));
    assert!(String::from_utf8_lossy(&output.stderr).contains("cannot write standard output: No space left"));
}

#[test]
fn a_full_disk_leaves_the_old_file() {
    let place = place();
    std::fs::create_dir(place.path("disk")).unwrap();
    // The disk has one page for the old file, and none for another.
    let begin = "mount -t tmpfs -o size=4k none disk && echo before >disk/FILE || exit 77";
    let on_full_disk = |file: &str, arguments: &str| {
        let run = format!("'{}' {arguments} -o disk/{file}", env!("CARGO_BIN_EXE_memtrack-fold"));
        let script = format!(
            "{}\n{run}\ncode=$?\nls -A disk; cat disk/{file}; exit $code",
            begin.replace("FILE", file)
        );
        let mut command = std::process::Command::new("unshare");
        command.args(["--map-root-user", "--mount", "sh", "-c", &script]).current_dir(place.dir.path());
        command.output().unwrap()
    };
    if on_full_disk("x.txt", "--help").status.code() != Some(0) {
        assert!(
            std::env::var("CI").as_deref() != Ok("true"),
            "mounting a file system is not permitted, and CI=true"
        );
        return println!("skipped: needs permission to mount a file system");
    }
    let formats =
        ["folded", "svg", "html", "txt", "json", "csv", "speedscope.json", "pb.gz", "dhat.json", "massif"];
    let files =
        formats.into_iter().chain(["heaptrack", "firefox.json", "heap"]).map(|ending| (ending, "dump.bin"));
    let commands =
        [("bin", "merge dump.bin dump.bin"), ("svg", "diff dump.bin dump.bin"), ("txt", "info dump.bin")];
    let check = ("txt", "check dump.bin --max-peak 1GiB");
    for (ending, arguments) in files.chain(commands).chain([check]) {
        let file = format!("x.{ending}");
        let output = on_full_disk(&file, arguments);
        let stderr = String::from_utf8_lossy(&output.stderr);
        let error = stderr.lines().filter(|line| !line.starts_with("warning: ")).collect::<Vec<_>>();
        let line = format!("error: cannot write disk/{file}: No space left on device");
        assert!(error.len() == 1 && error[0].starts_with(&line), "{arguments}: {stderr}");
        assert_eq!(output.status.code(), Some(4), "{arguments}");
        assert_eq!(String::from_utf8_lossy(&output.stdout), format!("{file}\nbefore\n"), "{arguments}");
    }
}

#[test]
fn a_closed_pipe_is_no_error() {
    let mut builder = dumps::program(&[]);
    for id in 6..6_000 {
        builder.node(id, 5, u64::from(id));
    }
    for id in 1..5_000 {
        builder.record(&dumps::cell(id, 1, id + 6, dumps::figures(1, 1, 1)));
    }
    let place = Place::with(&builder.finish());
    for arguments in [&["dump.bin"][..], &["dump.bin", "-f", "svg"], &["dump.bin", "-f", "text"]] {
        let mut child = command(place.dir.path())
            .args(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut first = [0];
        child.stdout.take().unwrap().read_exact(&mut first).unwrap();
        let output = child.wait_with_output().unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(0), "{arguments:?}: {stderr}");
        assert!(!stderr.contains("error"), "{stderr}");
    }
}

#[test]
fn colours_are_for_terminals_only() {
    let place = place();
    let plain =
        |command: &mut std::process::Command| String::from_utf8(command.output().unwrap().stderr).unwrap();
    assert!(!plain(command(place.dir.path()).arg("missing")).contains('\x1b'));
    let mut forced = command(place.dir.path());
    forced.arg("missing").env("CLICOLOR_FORCE", "1");
    assert!(plain(&mut forced).contains("\x1b[31m"), "there are colours at all");
    assert!(!plain(forced.env("NO_COLOR", "1").env_remove("CLICOLOR_FORCE")).contains('\x1b'));
}
