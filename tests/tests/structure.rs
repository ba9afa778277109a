//! The structure that the specification demands, in dumps of real programs: the sections of a snapshot and their
//! order, one process with one start time, nodes that accumulate over the snapshots, ids that refer to records.

use std::collections::HashMap;
use std::sync::LazyLock;

use memtrack_format::{Done, Item, Kind, Node, Reader, Section, Stage, Tag};
use memtrack_tests::program::{folder, run};
use memtrack_tests::snapshot;

/// Dumps of a program with nested stages, and of one whose threads start and end.
static DUMPS: LazyLock<[Vec<u8>; 2]> = LazyLock::new(|| {
    let folder = folder("structure");
    let request = folder.join("request").display().to_string();
    let dump = |program, arguments: &[&str]| {
        let dump = folder.join(arguments[0]);
        run(program, arguments, &[("MEMTRACK_DUMP", dump.as_os_str())]);
        snapshot::file(&dump)
    };
    [dump(env!("CARGO_BIN_EXE_known"), &["stages", &request]), dump(env!("CARGO_BIN_EXE_traffic"), &["500"])]
});

/// The order in the specification.
const ORDER: [Tag; 17] = [
    Tag::SNAPSHOT,
    Tag::TARGET,
    Tag::PROCESS,
    Tag::FORK,
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

/// The process mark that begins a file.
const MARK: [Tag; 3] = [Tag::TARGET, Tag::PROCESS, Tag::DONE];

/// The sections of each snapshot, without those of the process mark.
fn sections(dump: &[u8]) -> Vec<Vec<Section<'_>>> {
    let mut snapshots: Vec<Vec<_>> = Vec::new();
    for item in Reader::new(dump).expect("a dump") {
        match item {
            Item::Snapshot { .. } => snapshots.push(Vec::new()),
            Item::Section(section) => snapshots.last_mut().expect("a header first").push(section),
            Item::Damage(damage) => panic!("{damage:?}"),
        }
    }
    assert_eq!(snapshots[0].iter().map(|section| section.tag).collect::<Vec<_>>(), MARK);
    snapshots.split_off(1)
}

#[test]
fn sections_are_in_order_and_counted() {
    for dump in &*DUMPS {
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
            assert!(program || snapshot.stages.len() == 1, "a stage's snapshot has one stage");

            let done: Vec<_> =
                records(Tag::DONE).flat_map(Section::records::<Done>).map(Result::unwrap).collect();
            assert_eq!(done, [Done { sections: sections.len() as u64 - 1 }]);
        }
    }
}

#[test]
fn snapshots_have_one_process_and_rising_numbers() {
    for dump in &*DUMPS {
        let snapshots = snapshot::read(dump);
        assert!(snapshots.len() > 3, "stages and the program");
        for pair in snapshots.windows(2) {
            assert_eq!(pair[0].target, pair[1].target);
            assert!(pair[0].about.sequence < pair[1].about.sequence);
            assert!(pair[0].about.time_ns <= pair[1].about.time_ns);
        }
        assert_ne!(snapshots[0].target.start_unix_ns, 0);
        assert_eq!(snapshots.last().map(|last| last.about.kind), Some(Kind::Program));
    }
}

#[test]
fn ids_refer_to_records() {
    for dump in &*DUMPS {
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
                assert!(other.is_none_or(|address| address == node.address), "node {id} has one address");
            }
            match snapshot.about.kind {
                Kind::Program => {
                    assert_eq!(snapshot.nodes.len(), known.len() - 2, "the program's has all nodes")
                }
                _ => assert_eq!(snapshot.nodes.len(), known.len() - before, "a stage's has the new nodes"),
            }
            for cell in &snapshot.cells {
                assert!(known.contains_key(&cell.stack), "the stack of cell {}", cell.id);
                assert!(cell.tag == 0 || snapshot.tags.iter().any(|tag| tag.id == cell.tag), "its tag");
                assert!(snapshot.threads.iter().any(|thread| thread.id == cell.thread), "its thread");
            }
        }
    }
}

/// With one thread the sum is exact.
#[test]
fn cells_add_up_to_the_peak() {
    for snapshot in snapshot::read(&DUMPS[0]) {
        let peak = snapshot.stages.first().filter(|_| snapshot.about.kind == Kind::Stage);
        let peak = peak.map_or(snapshot.marks.figures.peak, |stage| stage.peak);
        assert_eq!(snapshot.cells(|_| true).peak, peak);
    }
}

#[test]
fn each_stage_is_shown_at_its_peak() {
    for dump in &*DUMPS {
        let snapshots = snapshot::read(dump);
        let (program, stages) = snapshots.split_last().expect("a snapshot");
        // Only innermost stages: a reset inside an outer stage discards the cells of its peak.
        let innermost = |stage: &&Stage<'_>| program.stages.iter().all(|other| other.depth <= stage.depth);
        for stage in program.stages.iter().filter(|stage| !stage.running).filter(innermost) {
            let own = stages.iter().map(|snapshot| snapshot.stages[0]).filter(|own| own.name == stage.name);
            assert_eq!(own.map(|own| own.peak).max(), Some(stage.peak), "{}", stage.name.escape_ascii());
        }
    }
}
