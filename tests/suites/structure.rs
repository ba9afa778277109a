//! What a real program's dump owes to the specification: which sections a snapshot has and in what order, one
//! process that is known by its start, nodes that accumulate over the snapshots, ids that lead somewhere.

use std::collections::HashMap;

use memtrack_format::{Done, Item, Kind, Node, Reader, Section, Tag};
use memtrack_tests::program::{folder, run};
use memtrack_tests::snapshot::{self, Snapshot};

/// The programs and their arguments: stages around stages, and threads that come and go.
const PROGRAMS: [(&str, &str, &[&str]); 2] = [
    ("nested", env!("CARGO_BIN_EXE_known"), &["stages", "request.memtrack"]),
    ("threads", env!("CARGO_BIN_EXE_traffic"), &["500"]),
];

/// The specification's order.
const ORDER: [Tag; 15] = [
    Tag::SNAPSHOT,
    Tag::TARGET,
    Tag::CONFIG,
    Tag::MODULE,
    Tag::THREAD,
    Tag::TAG,
    Tag::HEAP,
    Tag::STAGE,
    Tag::NODE,
    Tag::CELL,
    Tag::MARKS,
    Tag::TIMELINE,
    Tag::SIZES,
    Tag::LOSS,
    Tag::DONE,
];

fn for_each_dump(check: impl Fn(&[u8])) {
    for (name, program, arguments) in PROGRAMS {
        let folder = folder(&format!("structure-{name}"));
        let dump = folder.join("dump");
        let in_folder = |argument: &&str| match argument.ends_with(".memtrack") {
            true => folder.join(argument).display().to_string(),
            false => (*argument).to_string(),
        };
        let arguments: Vec<_> = arguments.iter().map(in_folder).collect();
        let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
        run(program, &arguments, &[("MEMTRACK_DUMP", dump.as_os_str())]);
        check(&snapshot::file(&dump));
    }
}

/// The sections of each snapshot.
fn sections(dump: &[u8]) -> Vec<Vec<Section<'_>>> {
    let mut snapshots: Vec<Vec<_>> = Vec::new();
    for item in Reader::new(dump).expect("a dump") {
        match item {
            Item::Snapshot { .. } => snapshots.push(Vec::new()),
            Item::Section(section) => snapshots.last_mut().expect("a header first").push(section),
            Item::Damage(damage) => panic!("{damage:?}"),
        }
    }
    snapshots
}

#[test]
fn sections_stand_in_order_and_are_counted() {
    for_each_dump(|dump| {
        for (sections, snapshot) in sections(dump).iter().zip(snapshot::read(dump)) {
            let places: Vec<_> = sections
                .iter()
                .map(|section| ORDER.iter().position(|&tag| tag == section.tag).unwrap())
                .collect();
            assert!(
                places.is_sorted(),
                "{:?}",
                sections.iter().map(|section| section.tag).collect::<Vec<_>>()
            );

            let records = |tag| sections.iter().filter(move |section| section.tag == tag);
            for tag in [Tag::SNAPSHOT, Tag::TARGET, Tag::DONE] {
                assert_eq!(records(tag).count(), 1, "{tag:?}");
            }
            let program = snapshot.about.kind == Kind::Program;
            assert_eq!(records(Tag::MARKS).count(), usize::from(program));
            assert!(program || snapshot.stages.len() == 1, "a stage's snapshot is of one stage");

            let done: Vec<_> =
                records(Tag::DONE).flat_map(Section::records::<Done>).map(Result::unwrap).collect();
            assert_eq!(done, [Done { sections: sections.len() as u64 - 1 }]);
        }
    });
}

#[test]
fn snapshots_are_of_one_process_and_numbered() {
    for_each_dump(|dump| {
        let snapshots = snapshot::read(dump);
        assert!(snapshots.len() > 3, "stages and the program");
        for pair in snapshots.windows(2) {
            assert_eq!(pair[0].target, pair[1].target);
            assert!(pair[0].about.sequence < pair[1].about.sequence);
            assert!(pair[0].about.time_ns <= pair[1].about.time_ns);
        }
        assert_ne!(snapshots[0].target.start_unix_ns, 0);
        assert_eq!(snapshots.last().map(|last| last.about.kind), Some(Kind::Program));
    });
}

#[test]
fn ids_lead_to_records() {
    for_each_dump(|dump| {
        let mut known = HashMap::from([(Node::ROOT, 0), (Node::CUT, 0)]);
        for snapshot in snapshot::read(dump) {
            let before = known.len();
            for &(id, node) in &snapshot.nodes {
                assert!(
                    known.contains_key(&node.parent),
                    "node {id}: its parent {} comes first",
                    node.parent
                );
                let other = known.insert(id, node.address);
                assert!(other.is_none_or(|address| address == node.address), "node {id} means one thing");
            }
            match snapshot.about.kind {
                Kind::Program => {
                    assert_eq!(snapshot.nodes.len(), known.len() - 2, "the program's has all nodes")
                }
                _ => assert_eq!(snapshot.nodes.len(), known.len() - before, "a stage's has the new ones"),
            }
            for cell in &snapshot.cells {
                assert!(known.contains_key(&cell.stack), "the stack of cell {}", cell.id);
                assert!(cell.tag == 0 || snapshot.tags.iter().any(|tag| tag.id == cell.tag), "its tag");
                assert!(snapshot.threads.iter().any(|thread| thread.id == cell.thread), "its thread");
            }
        }
    });
}

/// Of the snapshots that a stage has, the one with the highest peak shows the stage at its peak: its figures are the
/// program's, and its cells add up to it.
#[test]
fn each_stage_is_shown_at_its_peak() {
    for_each_dump(|dump| {
        let snapshots = snapshot::read(dump);
        let (program, stages) = snapshots.split_last().expect("a snapshot");
        for stage in program.stages.iter().filter(|stage| !stage.running) {
            let own = stages.iter().filter(|snapshot| snapshot.stages[0].name == stage.name);
            let highest = own.max_by_key(|snapshot| snapshot.stages[0].peak);
            let Snapshot { stages, cells, .. } = highest.expect("a snapshot of its own");
            assert_eq!(stages[0].peak, stage.peak, "{}", stage.name.escape_ascii());
            assert_eq!(cells.iter().map(|cell| cell.figures.peak).sum::<u64>(), stage.peak);
        }
    });
}
