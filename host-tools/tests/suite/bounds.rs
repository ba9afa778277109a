//! The cost of input depends on its content, not on its claims: compressed files, files with holes, pipes and
//! devices, and debug information with endless nesting.

use std::io::Write;
use std::process::Command;

use crate::binary::run;
use crate::dumps;
use crate::program::{Place, command};

fn gzip(bytes: &[u8], zeros: usize) -> Vec<u8> {
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(bytes).unwrap();
    let zero = vec![0; 1 << 20];
    (0..zeros).for_each(|_| gzip.write_all(&zero).unwrap());
    gzip.finish().unwrap()
}

#[test]
fn a_file_that_unpacks_beyond_the_limit_is_refused() {
    let place = Place::with(&gzip(&dumps::full(), 0));
    let line = place.run("dump.bin --limit 100").refused(3);
    assert!(line.starts_with("dump.bin holds more than 100 B") && line.contains("--limit SIZE"), "{line}");
    for command in ["info", "check --max-allocs 9999", "serve", "diff dump.bin", "merge -o out.bin dump.bin"]
    {
        let line = place.run(&format!("{command} dump.bin --limit 100")).refused(3);
        assert!(line.contains("--limit"), "{command}: {line}");
    }
    assert!(place.run("dump.bin --limit 1MiB").ok().contains("server+0x100"));
    // A zip bomb: a megabyte of it would unpack to a gigabyte.
    let bomb = gzip(&dumps::full(), 80);
    assert!(bomb.len() < 1 << 20);
    place.file("bomb", &bomb);
    let line = place.run("bomb").refused(3);
    assert!(line.contains("bomb holds more than 64.0 MiB"), "{line}");
    let ran = place.run("bomb --limit 100MiB");
    assert_eq!((ran.code, ran.stdout.contains("server+0x100")), (3, true), "{}", ran.stderr);
    assert!(place.run_with("- --limit 100", &dumps::full()).refused(3).contains("standard input holds more"));
}

#[test]
fn holes_of_a_file_cost_nothing() {
    let whole = dumps::full();
    let place = Place::with(&whole);
    let expected = place.run("dump.bin").ok();
    // A file that nobody could search in an hour.
    let file = std::fs::File::options().write(true).open(place.path("dump.bin")).unwrap();
    if file.set_len(8 << 40).is_err() {
        return eprintln!("skipped: the file system has no files of that length");
    }
    let ran = place.run("dump.bin");
    assert_eq!((ran.code, ran.stdout), (3, expected), "{}", ran.stderr);
    assert!(ran.stderr.contains("the file has holes"), "{}", ran.stderr);
}

#[test]
fn a_binary_of_holes_is_refused() {
    let place = Place::with(&dumps::full());
    // The section headers of an ELF file may claim the whole file.
    std::fs::copy("/proc/self/exe", place.path("program")).unwrap();
    let file = std::fs::File::options().write(true).open(place.path("program")).unwrap();
    if file.set_len(8 << 40).is_err() {
        return eprintln!("skipped: the file system has no files of that length");
    }
    let line = place.run("dump.bin -b program").refused(4);
    assert!(line.contains("it consists mostly of holes"), "{line}");
}

#[test]
fn pipes_and_devices_are_refused_without_waiting() {
    let place = Place::with(&dumps::full());
    run(Command::new("mkfifo").arg(place.path("pipe")));
    let line = place.run("pipe").refused(4);
    assert!(line.contains("cannot read pipe: it is a pipe without a writer"), "{line}");
    for (arguments, reason) in [
        (".", "Is a directory"),
        ("/dev/zero", "/dev/zero is not a regular file"),
        ("dump.bin -b pipe", "pipe is not a regular file"),
        ("dump.bin -b /dev/zero", "/dev/zero is not a regular file"),
        ("dump.bin --suppressions /dev/zero", "/dev/zero is not a regular file"),
        ("check dump.bin --limits /dev/zero", "/dev/zero is not a regular file"),
    ] {
        let line = place.run(arguments).refused(4);
        assert!(line.to_lowercase().contains(&reason.to_lowercase()), "{arguments}: {line}");
    }
    assert_eq!(place.run("top --once pipe").code, 3);
    assert_eq!(place.run("dump.bin --debug-dir pipe").code, 2);
}

#[test]
fn a_pipe_with_a_writer_is_read() {
    let place = Place::with(&dumps::full());
    let expected = place.run("dump.bin").ok();
    run(Command::new("mkfifo").arg(place.path("pipe")));
    let mut reader =
        command(place.dir.path()).arg("pipe").stdout(std::process::Stdio::piped()).spawn().unwrap();
    // Opening the pipe waits for the reader.
    std::fs::write(place.path("pipe"), dumps::full()).unwrap();
    let mut text = String::new();
    std::io::Read::read_to_string(&mut reader.stdout.take().unwrap(), &mut text).unwrap();
    assert!(reader.wait().unwrap().success());
    assert_eq!(text, expected);
}

/// A function with `DEPTH` inlined functions, each inlined into the one before.
const DEEP: &str = r#"
.text
.globl deep
deep: nop
 nop
 ret
.Lend:
.section .debug_abbrev,"",@progbits
.uleb128 1, 0x11; .byte 1; .uleb128 0x11, 1, 0x12, 7, 0, 0
.uleb128 2, 0x2e; .byte 1; .uleb128 0x03, 8, 0x11, 1, 0x12, 7, 0, 0
.uleb128 3, 0x1d; .byte 1; .uleb128 0, 0
.byte 0
.section .debug_info,"",@progbits
.long .Lafter - .Lunit
.Lunit: .short 4
.long 0
.byte 8, 1
.quad deep, .Lend - deep
.byte 2
.asciz "deep"
.quad deep, .Lend - deep
.fill DEPTH, 1, 3
.fill DEPTH, 1, 0
.byte 0, 0
.Lafter:
"#;

#[test]
fn endless_inlining_costs_only_the_names_of_one_binary() {
    for (depth, named) in [(1_000, true), (30_000, true), (1_000_000, false)] {
        let place = Place::with(b"");
        place.file("deep.s", DEEP.replace("DEPTH", &depth.to_string()).as_bytes());
        run(Command::new("gcc")
            .args(["-shared", "-nostdlib", "-o", "deep.so", "deep.s"])
            .current_dir(place.dir.path()));
        let binary = std::fs::read(place.path("deep.so")).unwrap();
        let symbols = run(Command::new("nm").arg(place.path("deep.so")));
        let line = symbols.lines().find(|line| line.ends_with(" deep")).unwrap();
        let address = u64::from_str_radix(line.split(' ').next().unwrap(), 16).unwrap();
        let names = memtrack_host_tools::symbolize::names_in(&binary, &[address]);
        match named {
            true => assert_eq!(names, Ok(vec![vec!["deep".into()]]), "{depth}"),
            false => assert!(names.is_err_and(|reason| reason.contains("nests deeper")), "{depth}"),
        }
    }
}
