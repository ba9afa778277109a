//! `memtrack_format` reads the dumps of the independent builder, and its encoder writes the same bytes as the
//! builder.

use std::convert::Infallible;
use std::fmt::Debug;

use memtrack_format::{
    Arch, Cause, Cell, Config, Damage, DamageKind, Done, Encoder, Figures, Heap, Item, Kind, List, Loss,
    LossCause, Marks, Module, Node, Os, Reader, Record, Rejected, Section, Segment, Sink, SizeClass,
    Snapshot, Stage, Tag, TagName, Target, Thread, ThreadPeak, ThreadState, TimePoint,
};
use memtrack_tests::corpus;
use memtrack_tests::dump_builder::{DumpBuilder, Fields};
use proptest::collection::vec;
use proptest::prelude::*;

fn sections(bytes: &[u8]) -> Vec<Section<'_>> {
    let sections = |item| match item {
        Item::Section(section) => Some(section),
        Item::Snapshot { version, .. } => {
            assert_eq!(version, 1);
            None
        }
        Item::Damage(damage) => panic!("{damage:?}"),
    };
    Reader::new(bytes).unwrap().filter_map(sections).collect()
}

#[track_caller]
fn check<'a, R: Record<'a> + PartialEq + Debug>(sections: &[Section<'a>], expected: &[R]) {
    let records: Vec<R> = sections.iter().flat_map(Section::records).map(Result::unwrap).collect();
    assert_eq!(records, expected);
}

const fn figures(values: [u64; 8]) -> Figures {
    let [allocs, bytes, live, live_blocks, peak, peak_blocks, temporary, reallocs] = values;
    Figures { allocs, bytes, live, live_blocks, peak, peak_blocks, temporary, reallocs }
}

const TARGET: Target<'_> = Target {
    arch: Arch::X86_64,
    pointer_width: 8,
    big_endian: false,
    os: Os::Linux,
    pid: 4711,
    parent_pid: 1,
    start_unix_ns: 1_700_000_000_123_456_789,
    unwinder: b"cfi",
    command: b"word-index\0--threads\x004",
};

const PEAKS: [ThreadPeak; 2] = [ThreadPeak { thread: 1, peak: 600 }, ThreadPeak { thread: 2, peak: 0 }];

const PARSE: Stage<'_> = Stage {
    name: b"parse",
    depth: 0,
    scope: 0,
    running: false,
    runs: 3,
    duration_ns: 5_000,
    begin_ns: 1_000,
    end_ns: 2_000_000,
    allocs: 2,
    bytes: 600,
    live_before: 0,
    live_after: 500,
    peak: 600,
    peak_blocks: 2,
    peak_time_ns: 1_500,
    lost: 0,
    threads: List::Items(&PEAKS),
};

#[test]
fn the_program_and_its_threads() {
    let dump = corpus::v1();
    let sections = sections(&dump.bytes);
    check(
        &sections,
        &[
            Snapshot { kind: Kind::Stage, cause: Cause::StageEnd, sequence: 0, time_ns: 2_000_000 },
            Snapshot { kind: Kind::Program, cause: Cause::Exit, sequence: 1, time_ns: 9_000_000_000 },
        ],
    );
    check(&sections, &[TARGET; 2]);
    check(
        &sections,
        &[Config {
            nodes: 9,
            nodes_capacity: 262_144,
            cells: 5,
            cells_capacity: 262_143,
            threads: 4,
            threads_capacity: 256,
            max_depth: 128,
            stages: 2,
            stages_capacity: 64,
            tags: 2,
            tags_capacity: 127,
        }],
    );
    let segments = [
        Segment { start: 0x5555_5555_5000, length: 0x4_2000, file_offset: 0x1000, executable: true },
        Segment { start: 0x5555_5559_8000, length: 0x1000, file_offset: 0x4_3000, executable: false },
    ];
    let modules = [
        Module {
            path: b"/usr/bin/word-index",
            build_id: &[0xd0; 20],
            bias: 0x5555_5555_4000,
            unloaded: false,
            segments: List::Items(&segments),
            ..Module::default()
        },
        Module {
            path: b"/tmp/plug\xff in.so",
            build_id: b"",
            bias: u64::MAX - 0xfff,
            unloaded: true,
            segments: List::default(),
            ..Module::default()
        },
    ];
    check(&sections, &[modules, modules].concat());
    let long = "long name ".repeat(13);
    let threads = [
        Thread {
            id: 0,
            os_id: 0,
            state: ThreadState::Unattributed,
            count: 1,
            name: b"",
            figures: figures([2, 48, 48, 2, 48, 2, 0, 0]),
            own_peak: 48,
            own_peak_blocks: 2,
        },
        Thread {
            id: 1,
            os_id: 4711,
            state: ThreadState::Running,
            count: 1,
            name: b"main",
            figures: figures([43, 5100, 300, 3, 600, 2, 31, 1]),
            own_peak: 900,
            own_peak_blocks: 4,
        },
        Thread {
            id: 2,
            os_id: 4712,
            state: ThreadState::Exited,
            count: 37,
            name: b"worker",
            figures: figures([1, 1 << 40, 1 << 40, 1, 1 << 40, 1, 0, 0]),
            own_peak: 1 << 40,
            own_peak_blocks: 1,
        },
        Thread {
            id: 3,
            os_id: u64::MAX,
            state: ThreadState::Overflow,
            count: 2,
            name: long.as_bytes(),
            figures: figures([7, 7, 0, 0, 0, 0, 7, 0]),
            own_peak: 1,
            own_peak_blocks: 1,
        },
    ];
    check(&sections, &[threads, threads].concat());
    let tags = [
        TagName { id: 1, parent: 0, name: b"GET /" },
        TagName { id: 2, parent: 1, name: "query \u{1f50d}".as_bytes() },
    ];
    check(&sections, &[tags, tags].concat());
    check(&sections, &[Heap { id: 1, name: b"arena" }, Heap { id: u32::MAX, name: b"" }]);
}

#[test]
fn stages_cells_and_marks() {
    let dump = corpus::v1();
    let sections = sections(&dump.bytes);
    let index = Stage {
        name: b"index; <b>\x1b[1m",
        depth: 1,
        scope: 3,
        running: true,
        runs: 1,
        lost: u64::MAX,
        ..Stage::default()
    };
    check(&sections, &[PARSE, PARSE, index]);
    let cell = |[id, thread, tag, heap, stack]: [u32; 5], cut, values| Cell {
        id,
        thread,
        tag,
        heap,
        stack,
        cut,
        figures: figures(values),
    };
    check(
        &sections,
        &[
            cell([1, 1, 0, 0, 3], false, [2, 600, 500, 1, 600, 2, 0, 0]),
            cell([0, 0, 0, 0, 0], false, [2, 48, 48, 2, 48, 2, 0, 0]),
            cell([1, 1, 0, 0, 3], false, [3, 1100, 0, 0, 600, 2, 1, 1]),
            cell([2, 1, 1, 0, 6], false, [40, 4000, 300, 3, 0, 0, 30, 0]),
            cell([3, 2, 2, 1, 9], true, [1, 1 << 40, 1 << 40, 1, 1 << 40, 1, 0, 0]),
            cell([0xff_ffff, 3, 0, 0, u32::MAX - 1], false, [7, 7, 0, 0, 0, 0, 7, 0]),
        ],
    );
    check(
        &sections,
        &[Marks {
            figures: figures([53, 5155 + (1 << 40), 348 + (1 << 40), 6, 648 + (1 << 40), 5, 38, 1]),
            frees: 47,
            failed_allocs: 2,
            peak_time_ns: 7_500_000_000,
            peak_error: 0,
            mark_error: 0,
        }],
    );
    check(
        &sections,
        &[
            TimePoint { time_ns: 0, high: 0, live: 0 },
            TimePoint { time_ns: 1_000_000, high: 700, live: 500 },
            TimePoint { time_ns: u64::MAX, high: u64::MAX, live: 0 },
        ],
    );
    check(
        &sections,
        &[
            SizeClass { thread: u32::MAX, class: 10, allocs: 2, bytes: 1100 },
            SizeClass { thread: 1, class: 64, allocs: 1, bytes: u64::MAX },
        ],
    );
    let events = [1, 1, 0, 3000, 4000, 0, 6000, 7000, 8000, 9000, 10_000, 11_000, 12_000, 13_000];
    // No writer has ever used 12.
    let known = (0..).zip(events).map(|(code, events)| Loss { cause: LossCause::from_code(code), events });
    let unknown = Loss { cause: LossCause::Unknown(255), events: 255_000 };
    check(&sections, &known.chain([unknown]).collect::<Vec<_>>());
    check(&sections, &[Done { sections: 8 }, Done { sections: 18 }]);
}

#[test]
fn nodes() {
    let dump = corpus::v1();
    let nodes: Vec<_> = sections(&dump.bytes).iter().flat_map(Section::nodes).map(Result::unwrap).collect();
    let node = |parent, address| Node { parent, address };
    let first = [
        (2, node(Node::ROOT, 0x5555_5555_6000)),
        (3, node(2, 0x5555_5555_6040)),
        (4, node(2, 0x5555_5555_5fff)),
    ];
    let rest = [
        (5, node(4, 0)),
        (7, node(Node::CUT, u64::MAX)),
        (8, node(7, 1 << 63)),
        (9, node(8, (1 << 63) - 1)),
        (u32::MAX - 1, node(Node::ROOT, 0x7fff_0000_1234)),
    ];
    assert_eq!(nodes, [&first[..], &first, &rest].concat());
}

#[test]
fn the_reader_reports_versions_and_damage() {
    let mut newer = DumpBuilder::new();
    newer.header(2, 0);
    assert_eq!(Reader::new(&newer.bytes).unwrap_err(), Rejected::TooNew(2));

    let mut dump = DumpBuilder::new();
    dump.header(1, 0xffff);
    let begin = dump.bytes.len();
    dump.section("HEAP", [Fields::new().uint("id", 1u8).bytes("name", b"lost")]);
    let end = dump.bytes.len();
    dump.section("HEAP", [Fields::new().uint("id", 2u8).bytes("name", b"kept")]);
    dump.bytes[begin + 9] ^= 1;
    let mut reader = Reader::new(&dump.bytes).unwrap();
    assert!(matches!(reader.next(), Some(Item::Snapshot { offset: 0, version: 1 })));
    let expected = Damage { offset: begin, length: end - begin, kind: DamageKind::Corrupt };
    assert!(matches!(reader.next(), Some(Item::Damage(damage)) if damage == expected));
    let Some(Item::Section(section)) = reader.next() else { panic!("a section") };
    check(&[section], &[Heap { id: 2, name: b"kept" }]);
    assert!(reader.next().is_none());
}

/// A sink in memory.
struct Memory(Vec<u8>);

impl Sink for Memory {
    type Error = Infallible;
    fn write(&mut self, bytes: &[u8]) -> Result<(), Infallible> {
        self.0.extend_from_slice(bytes);
        Ok(())
    }
}

/// The builder's snapshot of the records: one section for each kind.
fn built(threads: &[Thread<'_>], nodes: &[(u32, u64)], cells: &[Cell]) -> Vec<u8> {
    let values = |f: Figures| {
        [f.allocs, f.bytes, f.live, f.live_blocks, f.peak, f.peak_blocks, f.temporary, f.reallocs]
    };
    let mut dump = DumpBuilder::new();
    dump.snapshot();
    if !threads.is_empty() {
        dump.section(
            "THRD",
            threads.iter().map(|thread| {
                Fields::new()
                    .uint("id", thread.id)
                    .uint("os_id", thread.os_id)
                    .uint("state", thread.state.code())
                    .uint("count", thread.count)
                    .bytes("name", thread.name)
                    .figures(values(thread.figures))
                    .uint("own_peak", thread.own_peak)
                    .uint("own_peak_blocks", thread.own_peak_blocks)
            }),
        );
    }
    if !nodes.is_empty() {
        dump.nodes(2, nodes);
    }
    if !cells.is_empty() {
        dump.section(
            "CELL",
            cells.iter().map(|cell| {
                Fields::new()
                    .uint("id", cell.id)
                    .uint("thread", cell.thread)
                    .uint("tag", cell.tag)
                    .uint("heap", cell.heap)
                    .uint("stack", cell.stack)
                    .flag("cut", cell.cut)
                    .figures(values(cell.figures))
            }),
        );
    }
    dump.done();
    dump.bytes
}

fn encoded(threads: &[Thread<'_>], nodes: &[(u32, u64)], cells: &[Cell]) -> Vec<u8> {
    let mut out = Encoder::<_, 65536>::new(Memory(Vec::new())).unwrap();
    threads.iter().for_each(|thread| out.record(thread).unwrap());
    for (id, &(parent, address)) in (2..).zip(nodes) {
        out.node(id, Node { parent, address }).unwrap();
    }
    cells.iter().for_each(|cell| out.record(cell).unwrap());
    out.finish().unwrap().0
}

/// Numbers of all magnitudes: every length of a varint is equally likely.
fn number() -> impl Strategy<Value = u64> {
    (any::<u64>(), 0u32..64).prop_map(|(value, shift)| value >> shift)
}

proptest! {
    #[test]
    fn the_encoder_writes_the_same_bytes_as_the_builder(
        threads in vec((any::<[u32; 2]>(), vec(number(), 11), any::<u8>(), vec(any::<u8>(), 0..200)), 0..10),
        nodes in vec((any::<prop::sample::Index>(), number()), 0..100),
        cells in vec((any::<[u32; 5]>(), any::<bool>(), vec(number(), 8)), 0..50),
    ) {
        let threads: Vec<_> = threads
            .iter()
            .map(|([id, count], n, state, name)| Thread {
                id: *id,
                os_id: n[8],
                state: ThreadState::from_code(*state),
                count: *count,
                name,
                figures: figures(n[..8].try_into().unwrap()),
                own_peak: n[9],
                own_peak_blocks: n[10],
            })
            .collect();
        let nodes: Vec<_> =
            (2u32..).zip(nodes).map(|(id, (parent, address))| (parent.index(id as usize) as u32, address)).collect();
        let cells: Vec<_> = cells
            .into_iter()
            .map(|([id, thread, tag, heap, stack], cut, n)| {
                Cell { id, thread, tag, heap, stack, cut, figures: figures(n.try_into().unwrap()) }
            })
            .collect();
        let bytes = built(&threads, &nodes, &cells);
        prop_assert_eq!(&encoded(&threads, &nodes, &cells), &bytes);

        let sections = sections(&bytes);
        check(&sections, &threads);
        check(&sections, &cells);
        let read: Vec<_> = sections.iter().flat_map(Section::nodes).map(Result::unwrap).collect();
        let expected: Vec<_> =
            (2..).zip(&nodes).map(|(id, &(parent, address))| (id, Node { parent, address })).collect();
        prop_assert_eq!(read, expected);
        prop_assert!(sections.iter().all(|section| Tag::ALL.contains(&section.tag)));
    }
}
