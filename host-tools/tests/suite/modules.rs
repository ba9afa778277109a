//! The file that is used for a module of a dump: moved, named by the user, of another build, or no binary at
//! all.

use std::path::Path;
use std::process::Command;

use crate::binary::{printed, run};
use crate::compiled::{C, c_program, linked};

#[cfg(unix)]
#[test]
fn paths_may_be_any_bytes() {
    use std::os::unix::ffi::OsStrExt;
    let place = c_program(&["-O2", "-g"]);
    let odd = place.dir.path().join(std::ffi::OsStr::from_bytes(b"odd\xff\x1b"));
    std::fs::rename(place.path("program"), &odd).unwrap();
    let printed = printed(&odd);
    place.file(
        "dump.bin",
        &printed.dump_with(|path| {
            let own = path.to_string_lossy().contains("odd");
            (if own { odd.clone() } else { path.into() }, Vec::new())
        }),
    );
    assert_eq!(place.run("dump.bin -m allocs").ok(), "memtrack_malloc 3\nouter;small 2\n");
    let json: serde_json::Value = serde_json::from_str(&place.run("info --json dump.bin").ok()).unwrap();
    assert!(json["modules"][0]["file"].as_str().unwrap().ends_with("odd\u{fffd}\u{fffd}"));
}

#[test]
fn a_moved_binary_is_named_by_the_user_or_found_below_the_sysroot() {
    let place = c_program(&["-O2", "-g"]);
    let expected = place.run("dump.bin -m allocs").ok();
    let program = place.path("program");
    std::fs::rename(&program, place.path("moved")).unwrap();
    let ran = place.run("dump.bin -m allocs");
    assert_eq!(ran.code, 0);
    assert!(ran.stderr.contains(&format!("program: no file at {} (2)", program.display())), "{}", ran.stderr);
    assert!(ran.stderr.contains("--binary"), "says what to do");
    assert_eq!(place.run("dump.bin -m allocs -b moved").ok(), expected);
    let root = place.path("root").join(place.dir.path().strip_prefix("/").unwrap());
    std::fs::create_dir_all(&root).unwrap();
    std::fs::rename(place.path("moved"), root.join("program")).unwrap();
    assert_eq!(place.run("dump.bin -m allocs --sysroot root").ok(), expected);
}

#[test]
fn a_binary_without_build_id_causes_a_warning() {
    let place = c_program(&["-O2", "-g"]);
    let flags = [&linked(&["-O2", "-g"])[..], &["-Wl,--build-id=none"]].concat();
    place.compile("program.c", C, "other", &flags);
    let ran = place.run("dump.bin -m allocs -b other");
    assert_eq!(ran.code, 0);
    assert!(ran.stderr.contains("other has no build id, the dump has one: it may not be"), "{}", ran.stderr);
}

#[test]
fn another_build_is_refused_unless_forced() {
    let place = c_program(&["-O2", "-g"]);
    place.compile("program.c", &C.replace("outer", "other"), "program", &linked(&["-O2", "-g"]));
    let ran = place.run("dump.bin -m allocs");
    assert_eq!(ran.code, 0);
    assert!(ran.stdout.lines().all(|line| line.starts_with("program+0x")), "{}", ran.stdout);
    assert!(ran.stderr.contains("is not the build that ran (its build id is "), "{}", ran.stderr);
    let line = place.run("dump.bin -m allocs -b program").refused(2);
    assert!(line.starts_with("program is not the program of the dump: its build id is "), "{line}");
    assert!(line.contains("--force"), "{line}");
    for arguments in ["dump.bin -m allocs --force", "dump.bin -m allocs --force -b program"] {
        let forced = place.run(arguments);
        assert_eq!((forced.code, forced.stdout.contains("other;small 2")), (0, true), "{}", forced.stdout);
        assert!(forced.stderr.contains("of another build"), "{}", forced.stderr);
    }
    assert!(
        place.run("dump.bin -f svg --force").stdout.contains("program: names of another build (--force)")
    );
    assert!(place.run("dump.bin -f text --force").stdout.contains("names of another build (--force)"));
}

#[test]
fn bare_metal_uses_the_given_binary() {
    let place = c_program(&["-O2", "-g"]);
    place.file("bare.bin", &printed(&place.path("program")).bare_dump());
    assert_eq!(place.run("bare.bin -m allocs -b program").ok(), "memtrack_malloc 3\nouter;small 2\n");
    let ran = place.run("bare.bin -m allocs");
    assert!(ran.stdout.lines().all(|line| line.starts_with("0x")), "{}", ran.stdout);
    assert!(ran.stderr.contains("outside of all modules (2)"), "{}", ran.stderr);
}

#[test]
fn only_regular_files_are_opened() {
    let place = c_program(&["-O2", "-g"]);
    let printed = printed(&place.path("program"));
    run(Command::new("mkfifo").arg(place.path("pipe")));
    for (path, reason) in [("pipe", "not a regular file"), (".", "not a regular file")] {
        let path = place.path(path);
        // Reading the pipe would wait for ever.
        place.file("dump.bin", &printed.dump_with(|_| (path.clone(), Vec::new())));
        let ran = place.run("dump.bin");
        assert_eq!(ran.code, 0);
        assert!(ran.stderr.contains(reason), "{}", ran.stderr);
    }
    place.file("text", b"not a binary at all");
    place.file("dump.bin", &printed.dump_with(|_| (place.path("text"), Vec::new())));
    assert!(place.run("dump.bin").stderr.contains("text: Unknown file magic"));
    let line = place.run("dump.bin -b text").refused(2);
    assert!(line.contains("text cannot be used as --binary"), "{line}");
}

#[test]
fn paths_do_not_lead_out_of_the_sysroot() {
    let place = c_program(&["-O2", "-g"]);
    let printed = printed(&place.path("program"));
    std::fs::create_dir(place.path("root")).unwrap();
    let up = |path: &Path| (place.path("root/../..").join(path.file_name().unwrap()), Vec::new());
    place.file("dump.bin", &printed.dump_with(up));
    assert!(place.run("dump.bin --sysroot root").ok().lines().all(|line| line.starts_with("program+0x")));
}
