//! Wrong usage and unusable input cause one clear line and the right exit code.

use crate::dumps;
use crate::program::{Place, total};

fn place() -> Place {
    Place::with(&dumps::full())
}

#[test]
fn other_files_are_refused() {
    let place = place();
    for (content, reason) in [
        (&b""[..], "it is empty"),
        (b"hello world\n", "it is a text file"),
        (b"\x7fELF\x02\x01\x01", "it is an ELF binary"),
        (b"\x89MTK\n\x1a\n", "it was changed by a transfer in text mode"),
        (b"\x89MT", "it ends within its first bytes"),
        (b"\0\x01\x02\x03\x04", "its first bytes are not those of a dump"),
    ] {
        place.file("other", content);
        let line = place.run("other").refused(3);
        assert!(line.contains(reason) && line.contains("MEMTRACK_DUMP"), "{line}");
        assert_eq!(place.run("info other").refused(3), line);
    }
}

#[test]
fn a_newer_version_asks_for_an_update() {
    let mut bytes = dumps::full();
    bytes[8..10].copy_from_slice(&99u16.to_le_bytes());
    let crc = memtrack_format::crc32(&bytes[..12]);
    bytes[12..16].copy_from_slice(&crc.to_le_bytes());
    let line = Place::with(&bytes).run("dump.bin").refused(3);
    assert!(
        line.contains("newer memtrack (dump format 99") && line.contains("update memtrack-fold"),
        "{line}"
    );
}

#[test]
fn a_header_without_content_is_refused() {
    let line = Place::with(&dumps::full()[..16]).run("dump.bin").refused(3);
    assert!(line.contains("no readable snapshot"), "{line}");
}

#[test]
fn unreadable_input_is_an_input_error() {
    let place = place();
    assert!(place.run("missing.bin").refused(4).contains("cannot read missing.bin: No such file"));
    assert!(place.run(".").refused(4).contains("cannot read ."));
    assert!(place.run("dump.bin -b missing").refused(4).contains("cannot read missing"));
    assert!(place.run("dump.bin -b /dev/null").refused(4).contains("/dev/null is not a regular file"));
}

#[test]
fn missing_directories_are_refused() {
    for option in ["--debug-dir", "--sysroot"] {
        let ran = place().run(&format!("dump.bin {option} nowhere"));
        assert_eq!(ran.code, 2);
        assert!(ran.stderr.contains("'nowhere'") && ran.stderr.contains("does not exist"), "{}", ran.stderr);
    }
}

#[test]
fn unknown_names_come_with_suggestions() {
    let place = place();
    let line = place.run("dump.bin -t wroker").refused(2);
    assert!(
        line.starts_with("no thread is called \"wroker\": did you mean one of \"worker #2\", \"worker #3\""),
        "{line}"
    );
    assert!(place.run("dump.bin -t 77").refused(2).contains("no thread is called \"77\""));
    let line = place.run("dump.bin -s prase").refused(2);
    assert!(line.starts_with("no stage is called \"prase\": did you mean one of \"parse\""), "{line}");
    let line = place.run("dump.bin --tag requests").refused(2);
    assert!(line.starts_with("no tag is called \"requests\": did you mean one of \"request\""), "{line}");
    let bare = Place::with(&dumps::program(&[]).finish());
    assert_eq!(bare.run("dump.bin -s x").refused(2), "no stage is called \"x\": the dump has no stages");
}

#[test]
fn wrong_options_are_wrong_usage() {
    let place = place();
    for arguments in [
        "",
        "info",
        "dump.bin --no-such-option",
        "dump.bin -m weight",
        "dump.bin -f docx",
        "dump.bin --color plaid",
        "dump.bin --filter (",
        "dump.bin --min-percent 101",
        "dump.bin --list-threads --list-stages",
        "dump.bin --list-stages -f svg",
        "dump.bin --no-symbols -b program",
        "info dump.bin --no-symbols --force",
        "diff dump.bin dump.bin --no-symbols --debug-dir debug",
        "-m peak info dump.bin",
        "dump.bin another.bin",
    ] {
        let ran = place.run(arguments);
        assert_eq!((ran.code, ran.stdout.as_str()), (2, ""), "{arguments}");
        assert!(!ran.stderr.is_empty());
    }
    assert!(
        place.run("dump.bin -f docx").stderr.contains("possible values: folded, svg, html, text, json, csv")
    );
    for (arguments, nearest) in
        [("-m peek", "'peak'"), ("-f svgg", "'svg'"), ("--color hott", "'hot'"), ("--revers", "'--reverse'")]
    {
        let ran = place.run(&format!("dump.bin {arguments}"));
        assert!(
            ran.stderr.contains("a similar") && ran.stderr.contains(nearest),
            "{arguments}: {}",
            ran.stderr
        );
    }
    assert!(place.run("dump.bin --filter (").stderr.contains("unclosed group"));
    assert!(
        place.run("dump.bin -o out.docx").refused(2).contains("out.docx names no format: end it in .folded")
    );
}

#[test]
fn help_and_version_are_no_errors() {
    let place = place();
    let help = place.run("--help").ok();
    for option in [
        "--output",
        "--format",
        "--metric",
        "--thread",
        "--per-thread",
        "--stage",
        "--tag",
        "--list-threads",
        "--list-stages",
        "--binary",
        "--debug-dir",
        "--sysroot",
        "--no-inlines",
        "--no-symbols",
        "--show-internal",
        "--filter",
        "--hide",
        "--reverse",
        "--title",
        "--min-percent",
        "--color",
        "--force",
    ] {
        assert!(help.contains(option), "{option}");
    }
    assert!(place.run("info --help").ok().contains("--json"));
    assert_eq!(place.run("--version").ok(), concat!("memtrack-fold ", env!("CARGO_PKG_VERSION"), "\n"));
}

#[test]
fn a_file_named_like_a_command_is_given_with_its_directory() {
    let place = place();
    place.file("info", &dumps::full());
    assert_eq!(total(&place.run("./info").ok()), 45_000);
    assert!(place.run("info info").ok().contains("program    server (process 42)"));
}

#[test]
fn standard_input_and_compressed_dumps_are_read() {
    use std::io::Write;
    let place = place();
    let expected = place.run("dump.bin").ok();
    assert_eq!(place.run_with("-", &dumps::full()).ok(), expected);
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(&dumps::full()).unwrap();
    let gzip = gzip.finish().unwrap();
    let fastest = ruzstd::encoding::CompressionLevel::Fastest;
    let whole = dumps::full();
    // Two frames, as of a file that was compressed in pieces.
    let zstd: Vec<u8> = whole
        .chunks(whole.len() / 2 + 1)
        .flat_map(|piece| ruzstd::encoding::compress_to_vec(piece, fastest))
        .collect();
    for compressed in [&gzip, &zstd] {
        assert_eq!(place.run_with("-", compressed).ok(), expected);
        place.file("packed", compressed);
        assert_eq!(place.run("packed").ok(), expected);
        let cut = place.run_with("-", &compressed[..compressed.len() - 9]);
        assert_eq!(cut.code, 3);
        assert!(cut.stderr.contains("the compressed dump ends early"), "{}", cut.stderr);
    }
}
