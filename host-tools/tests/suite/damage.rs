//! Damaged, cut and hostile dumps.

use memtrack_format::{Figures, Kind, Marks, Node, TagName};

use memtrack_host_tools::export::{self, Format};

use crate::dumps::{self, Builder, cell, figures};
use crate::program::{Place, total};

/// Reads bytes with the library as the program does. A panic fails the test.
fn survives(bytes: &[u8], formats: &[Format]) {
    use memtrack_host_tools::{info, profile, reader, select, symbolize, warnings};
    let Ok(dump) = reader::Dump::open("dump.bin".as_ref(), bytes) else { return };
    let selected = select::program(&dump);
    let names = select::names(&dump);
    let mut chosen = vec![selected];
    chosen.extend(names.iter().filter_map(|name| select::stage(&dump, name, &[]).ok()));
    for selected in chosen {
        let snapshot = dump.snapshot(selected.index);
        let _ = profile::check::equations(&snapshot, selected.kind);
        let options = symbolize::Options { names: false, ..Default::default() };
        let profile = profile::Profile::new(snapshot, selected.kind, &options).unwrap();
        let mut view = profile::View::new(profile::Metric::Peak);
        view.per_thread = true;
        for &format in formats {
            if let Ok(written) = export::write(format, &profile, &view, &Default::default(), &mut Vec::new())
            {
                written.unwrap();
            }
        }
        let info = info::Info { dump: &dump, selected, profile: &profile, warnings: warnings::damage(&dump) };
        info::text::write(&info, &mut Vec::new()).unwrap();
        let _ = info::json::value(&info);
    }
}

#[test]
fn a_cut_dump_yields_the_part_before_the_cut() {
    let whole = dumps::full();
    for end in 0..whole.len() {
        survives(&whole[..end], &Format::ALL);
    }
    // The user gets one line. The output has all that could be read, or does not exist, but is never
    // half-written.
    for end in (0..whole.len()).step_by(37) {
        let place = Place::with(&whole[..end]);
        let ran = place.run("dump.bin -o out.json");
        assert_eq!(ran.code, 3, "{end}: {}", ran.stderr);
        let errors = ran.stderr.lines().filter(|line| line.starts_with("error: ")).count();
        let files = place.files();
        match files.contains(&"out.json".into()) {
            true => {
                let text = std::fs::read_to_string(place.path("out.json")).unwrap();
                serde_json::from_str::<serde_json::Value>(&text).unwrap();
                assert!(errors == 0 && ran.stderr.contains("warning: "), "{end}: {}", ran.stderr);
            }
            false => assert_eq!((errors, files.len()), (1, 1), "{end}: {}", ran.stderr),
        }
    }
    let place = Place::with(&whole[..whole.len() - 1]);
    let ran = place.run("dump.bin -m allocs");
    assert_eq!((ran.code, total(&ran.stdout)), (3, 450));
    assert!(ran.stderr.contains("the dump is cut off at byte"), "{}", ran.stderr);
}

#[test]
fn no_flipped_bit_causes_a_panic() {
    let whole = dumps::full();
    for at in 0..whole.len() * 8 {
        let mut bytes = whole.clone();
        bytes[at / 8] ^= 1 << (at % 8);
        survives(&bytes, &[Format::Folded]);
    }
}

#[test]
fn the_rest_of_a_damaged_dump_is_read() {
    let first = dumps::full();
    let mut file = [first.clone(), dumps::program(&[cell(1, 1, 2, figures(9, 0, 0))]).finish()].concat();
    // The header of the second snapshot is damaged. Its other sections reveal its start.
    file[first.len() + 3] ^= 0xff;
    let ran = Place::with(&file).run("dump.bin -m allocs");
    assert_eq!((ran.code, ran.stdout.as_str()), (3, "server+0x100 9\n"));
    // A cell of the last snapshot is damaged. The complete snapshot before it is shown.
    let end = file.len() - 120;
    file[end] ^= 0xff;
    let ran = Place::with(&file).run("dump.bin -m allocs");
    assert_eq!((ran.code, total(&ran.stdout)), (3, 450));
}

#[test]
fn a_dump_without_its_start_is_read() {
    let file = [&b"\0boot messages of a serial line\n"[..], &dumps::full()].concat();
    let ran = Place::with(&file).run("dump.bin -m allocs");
    assert_eq!((ran.code, total(&ran.stdout)), (3, 450));
    assert!(ran.stderr.contains("the dump is damaged at byte 0: 32 bytes"), "{}", ran.stderr);
}

#[test]
fn figures_that_do_not_add_up_cause_a_warning() {
    let cells = [cell(1, 1, 4, figures(20, 3, 4))];
    let mut builder = dumps::program(&cells);
    let frees = 17;
    builder.record(&Marks { frees, figures: Figures { live: 1, ..figures(20, 3, 4) }, ..Marks::default() });
    let ran = Place::with(&builder.finish()).run("dump.bin");
    assert_eq!(ran.code, 0);
    assert!(
        ran.stderr.contains("warning: figures do not add up, which can happen if threads run while the dump is taken: live bytes: whole program 1, cells 300, threads 300"),
        "{}",
        ran.stderr
    );
    let good = Place::with(&dumps::full()).run("dump.bin");
    assert!(!good.stderr.contains("add up"), "{}", good.stderr);
}

#[test]
fn figures_beyond_64_bits_are_refused() {
    let huge = Figures { bytes: u64::MAX, live: u64::MAX, ..Figures::default() };
    let mut builder = Builder::new(Kind::Program, 0);
    builder.node(2, Node::ROOT, 0x10).record(&cell(1, 1, 2, huge)).record(&cell(2, 2, 2, huge));
    let place = Place::with(&builder.finish());
    let line = place.run("dump.bin --no-symbols").refused(3);
    assert!(line.contains("sum of bytes allocated over all cells is beyond 64 bits"), "{line}");
    assert_eq!(place.run("dump.bin -m allocs --no-symbols").ok(), "", "other metrics are shown");
    survives(&std::fs::read(place.path("dump.bin")).unwrap(), &Format::ALL);
}

#[test]
fn endless_stacks_are_cut() {
    let mut builder = Builder::new(Kind::Program, 0);
    for id in 2..20_000 {
        builder.node(id, id - 1, u64::from(id));
    }
    for id in 1..100 {
        builder.record(&cell(id, 1, 19_999 - id, figures(1, 0, 0)));
    }
    let bytes = builder.finish();
    survives(&bytes, &Format::ALL);
    let out = Place::with(&bytes).run("dump.bin -m allocs --no-symbols").ok();
    assert_eq!(total(&out), 99);
    let longest = out.lines().map(|line| line.matches(';').count()).max().unwrap();
    assert_eq!(longest, memtrack_host_tools::profile::MAX_DEPTH, "and [truncated] at the root");
    assert!(out.lines().all(|line| line.starts_with("[truncated];")));
}

#[test]
fn empty_records_do_not_fill_the_memory() {
    // Stages read from a megabyte of empty records would take a hundred megabytes.
    let empty = vec![0; 1 << 20];
    let mut section = [&b"STAG"[..], &(empty.len() as u32).to_le_bytes(), &empty].concat();
    section.extend(memtrack_format::crc32(&section).to_le_bytes());
    let bytes = [dumps::full(), section].concat();
    let dump = memtrack_host_tools::reader::Dump::open("dump".as_ref(), &bytes).unwrap();
    assert_eq!(dump.malformed(), 1);
    let stages = dump.snapshot(dump.entries().len() - 1).stages;
    assert!(stages.len() < 400_000 && size_of_val(&stages[..]) < 40 << 20, "{}", stages.len());
}

#[test]
fn a_cycle_of_tags_ends() {
    let mut builder = dumps::program(&[memtrack_format::Cell { tag: 1, ..cell(1, 1, 2, figures(3, 0, 0)) }]);
    builder.record(&TagName { id: 1, parent: 2, name: b"a" }).record(&TagName {
        id: 2,
        parent: 1,
        name: b"b",
    });
    let out = Place::with(&builder.finish()).run("dump.bin -m allocs").ok();
    assert_eq!(out, "tag b;tag a;server+0x100 3\n");
}

#[test]
fn names_are_never_syntax() {
    let cells = [memtrack_format::Cell { tag: 1, ..cell(1, 9, 2, figures(3, 0, 0)) }];
    let mut builder = dumps::program(&cells);
    let evil = b"x;y\n\x1b]0;owned\x07<script>alert(1)</script>\xff 12";
    builder.record(&TagName { id: 1, parent: 0, name: evil });
    builder.record(&dumps::thread(9, evil, &cells));
    builder.record(&dumps::stage(evil, 5));
    let place = Place::with(&builder.finish());
    let folded = place.run("dump.bin -m allocs --per-thread").ok();
    assert_eq!(folded.lines().count(), 1);
    assert_eq!(folded.matches(';').count(), 2, "thread, tag, frame: {folded}");
    let svg = place.run("dump.bin -f svg --per-thread").ok();
    assert!(!svg.contains("<script>alert"), "escaped");
    for arguments in [
        "dump.bin --per-thread",
        "dump.bin -f text",
        "info dump.bin",
        "dump.bin --list-stages",
        "dump.bin -f svg",
    ] {
        let ran = place.run(arguments);
        for output in [ran.stdout, ran.stderr] {
            assert!(!output.contains(['\x1b', '\x07']), "{arguments}");
        }
    }
    let ran = place.run("dump.bin -t \x1b[31mred");
    assert!(!ran.stderr.contains('\x1b'), "the user's own input is text, too");
}
