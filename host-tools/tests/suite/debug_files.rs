//! Debug information outside of the binary: it is found, and that of another build is not used.

use std::process::Command;

use crate::binary::{build_id, has, printed, run};
use crate::compiled::{CART, TWICE, c_program, linked};
use crate::program::Place;

#[test]
fn a_stripped_program_and_its_debug_information_go_together() {
    let place = c_program(&["-O2", "-g"]);
    let expected = place.run("dump.bin -m allocs").ok();
    run(Command::new("objcopy").arg("--only-keep-debug").arg(place.path("program")).arg(place.path("debug")));
    run(Command::new("strip").args(["-o", "bare", "program"]).current_dir(place.dir.path()));
    std::fs::remove_file(place.path("program")).unwrap();
    assert!(place.run("dump.bin -b bare").ok().contains("program+0x"));
    assert_eq!(place.run("dump.bin -m allocs -b bare -b debug").ok(), expected);
}

#[test]
fn separate_debug_files_are_found_by_build_id() {
    let place = c_program(&["-O2", "-g"]);
    let expected = place.run("dump.bin -m allocs").ok();
    let hex: String = build_id(&place.path("program")).iter().map(|byte| format!("{byte:02x}")).collect();
    let directory = place.path("debug/.build-id").join(&hex[..2]);
    std::fs::create_dir_all(&directory).unwrap();
    let debug = directory.join(format!("{}.debug", &hex[2..]));
    run(Command::new("objcopy").arg("--only-keep-debug").arg(place.path("program")).arg(&debug));
    run(Command::new("strip").arg(place.path("program")));
    assert!(place.run("dump.bin").ok().contains("program+0x"));
    assert_eq!(place.run("dump.bin -m allocs --debug-dir debug").ok(), expected);
    assert_eq!(place.run("dump.bin -m allocs --debug-dir . --debug-dir debug").ok(), expected);
    std::fs::remove_file(place.path("program")).unwrap();
    assert_eq!(
        place.run("dump.bin -m allocs --debug-dir debug").ok(),
        expected,
        "the debug file alone is enough"
    );
    assert_eq!(place.run(&format!("dump.bin -m allocs -b {}", debug.display())).ok(), expected);
    let below = place.path("root/usr/lib");
    std::fs::create_dir_all(&below).unwrap();
    std::fs::rename(place.path("debug"), below.join("debug")).unwrap();
    assert_eq!(
        place.run("dump.bin -m allocs --sysroot root").ok(),
        expected,
        "in the directory of the target's system"
    );
    std::fs::rename(below.join("debug"), place.path("debug")).unwrap();
    // A debug file of another build is not used, even under the right name.
    std::fs::write(&debug, std::fs::read("/proc/self/exe").unwrap()).unwrap();
    assert!(place.run("dump.bin --debug-dir debug").ok().contains("program+0x"));
}

#[test]
fn separate_debug_files_are_found_by_link() {
    // Without a build id, the link's checksum is the only evidence.
    let place = c_program(&["-O2", "-g", "-Wl,--build-id=none"]);
    let expected = place.run("dump.bin -m allocs").ok();
    let dir = place.dir.path();
    run(Command::new("objcopy").args(["--only-keep-debug", "program", "program.dbg"]).current_dir(dir));
    run(Command::new("strip").arg(place.path("program")));
    run(Command::new("objcopy").args(["--add-gnu-debuglink=program.dbg", "program"]).current_dir(dir));
    assert_eq!(place.run("dump.bin -m allocs").ok(), expected, "beside it");
    std::fs::create_dir(place.path(".debug")).unwrap();
    std::fs::rename(place.path("program.dbg"), place.path(".debug/program.dbg")).unwrap();
    assert_eq!(place.run("dump.bin -m allocs").ok(), expected, "in .debug");
    let below = place.path("debug").join(dir.strip_prefix("/").unwrap());
    std::fs::create_dir_all(&below).unwrap();
    std::fs::rename(place.path(".debug/program.dbg"), below.join("program.dbg")).unwrap();
    assert!(place.run("dump.bin").ok().contains("program+0x"));
    assert_eq!(
        place.run("dump.bin -m allocs --debug-dir debug").ok(),
        expected,
        "in the layout of /usr/lib/debug"
    );
    // A debug file with another checksum is not used, even under the right name.
    let mut bytes = std::fs::read(below.join("program.dbg")).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    std::fs::write(below.join("program.dbg"), bytes).unwrap();
    assert!(place.run("dump.bin --debug-dir debug").ok().contains("program+0x"));
}

#[test]
fn split_debug_information_is_read_from_objects_and_packages() {
    // GNU's packager supports only the older version.
    for (version, packager) in [("-gdwarf-5", "llvm-dwp"), ("-gdwarf-4", "dwp")] {
        if !has(packager) {
            continue;
        }
        let whole = c_program(&["-O2", "-g"]).run("dump.bin -m allocs").ok();
        let place = c_program(&["-O2", version, "-gsplit-dwarf"]);
        assert_eq!(place.run("dump.bin -m allocs").ok(), whole, "{version}: a file for each unit");
        let object = place.files().into_iter().find(|name| name.ends_with(".dwo")).expect("it is split");
        let arguments = ["-e", "program", "-o", "program.dwp"];
        run(Command::new(packager).args(arguments).current_dir(place.dir.path()));
        let moved = place.path("moved");
        std::fs::create_dir(&moved).unwrap();
        std::fs::rename(place.path(&object), moved.join(&object)).unwrap();
        assert_eq!(place.run("dump.bin -m allocs").ok(), whole, "{version}: a package");
        std::fs::rename(place.path("program.dwp"), moved.join("program.dwp")).unwrap();
        assert_ne!(place.run("dump.bin -m allocs").ok(), whole, "{version}: only the skeleton is left");
        assert_eq!(place.run("dump.bin -m allocs --debug-dir moved").ok(), whole, "{version}");
        // A file of another unit is not used.
        std::fs::remove_file(moved.join("program.dwp")).unwrap();
        std::fs::copy(place.path("program"), moved.join(&object)).unwrap();
        assert_ne!(place.run("dump.bin -m allocs --debug-dir moved").ok(), whole, "{version}");
    }
}

#[test]
fn debug_information_that_dwz_moved_is_found() {
    if !has("dwz") {
        return;
    }
    let place = Place::with(b"");
    place.file("cart.h", CART.as_bytes());
    let flags = linked(&["-O2", "-g", "-gdwarf-4"]);
    let program = place.compile("twice.c", TWICE, "program", &flags);
    let other = TWICE.replace("outer", "another");
    place.compile("other.c", &other, "other", &flags);
    place.file("dump.bin", &printed(&program).dump());
    let expected = place.run("dump.bin -m allocs").ok();
    assert!(expected.contains("outer;shared_by_all 4\n"), "{expected}");
    std::fs::create_dir(place.path(".dwz")).unwrap();
    let dwz = ["-m", ".dwz/common", "-M", ".dwz/common", "program", "other"];
    run(Command::new("dwz").args(dwz).current_dir(place.dir.path()));
    assert_eq!(place.run("dump.bin -m allocs").ok(), expected, "beside the binary");
    std::fs::create_dir(place.path("debug")).unwrap();
    std::fs::rename(place.path(".dwz"), place.path("debug/.dwz")).unwrap();
    assert_ne!(place.run("dump.bin -m allocs").ok(), expected, "it is gone");
    assert_eq!(place.run("dump.bin -m allocs --debug-dir debug").ok(), expected, "in a debug directory");
    // A common file of other binaries is not used.
    std::fs::copy(place.path("program"), place.path("debug/.dwz/common")).unwrap();
    assert_ne!(place.run("dump.bin -m allocs --debug-dir debug").ok(), expected);
}

#[test]
fn compressed_debug_sections_are_read() {
    let place = c_program(&["-O2", "-g"]);
    for kind in ["zlib", "zlib-gnu", "zstd"] {
        let compress = format!("--compress-debug-sections={kind}");
        let objcopy = ["--remove-section=.comment", &compress, "program", "packed"];
        run(Command::new("objcopy").args(objcopy).current_dir(place.dir.path()));
        assert!(size(&place, "packed") < size(&place, "program"), "{kind} compresses");
        assert_eq!(
            place.run("dump.bin -m allocs -b packed").ok(),
            "memtrack_malloc 3\nouter;small 2\n",
            "{kind}"
        );
    }
}

fn size(place: &Place, name: &str) -> u64 {
    std::fs::metadata(place.path(name)).unwrap().len()
}
