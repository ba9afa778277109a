//! Each record as literal bytes: the encoder gives exactly these, and these give exactly the record.

use core::fmt::Debug;

use crate::support::{HEADER, dump, dump_of, section};
use memtrack_format::{
    Arch, Cause, Cell, Config, Done, Figures, Fork, Heap, Item, Kind, List, Loss, LossCause, Lost, Marks,
    Module, Node, Os, Process, Reader, Record, Segment, SizeClass, Snapshot, Stage, Tag, TagName, Target,
    Thread, ThreadPeak, ThreadState, TimePoint,
};

/// `payload` includes the record's length.
#[track_caller]
fn check<'a, R: Record<'a> + PartialEq + Debug>(record: R, tag: [u8; 4], payload: &'a [u8]) {
    assert_eq!(usize::from(payload[0]), payload.len() - 1, "the literal's own length");
    let expected = [&HEADER[..], &section(tag, payload), &section(*b"DONE", &[1, 1])].concat();
    assert_eq!(dump_of(&record), expected);
    let section = memtrack_format::Section { tag: Tag(tag), offset: 0, payload };
    assert_eq!(section.records::<R>().collect::<Vec<_>>(), [Ok(record)]);
}

/// Eight figures, each of a different value and one of two bytes.
const FIGURES: Figures = Figures {
    allocs: 1,
    bytes: 300,
    live: 3,
    live_blocks: 4,
    peak: 5,
    peak_blocks: 6,
    temporary: 7,
    reallocs: 8,
};

#[test]
fn a_whole_snapshot_with_its_checksums() {
    let bytes = dump(|out| out.record(&Loss { cause: LossCause::Reentered, events: 300 }).unwrap());
    #[rustfmt::skip]
    assert_eq!(bytes, [
        0x89, b'M', b'T', b'K', 0x0d, 0x0a, 0x1a, 0x0a, // magic
        1, 0,                                           // version
        0, 0,                                           // flags
        0xb8, 0x68, 0x6b, 0x18,
        b'L', b'O', b'S', b'S', 4, 0, 0, 0,             // tag, payload length
        3, 0, 0xac, 0x02,                               // record length, cause, events
        0x12, 0xa2, 0xb3, 0x68,
        b'D', b'O', b'N', b'E', 2, 0, 0, 0,
        1, 1,                                           // record length, sections before
        0xa7, 0x29, 0x00, 0x7c,
    ]);
}

#[test]
fn snapshot() {
    check(
        Snapshot { kind: Kind::Stage, cause: Cause::StageEnd, sequence: 2, time_ns: 128 },
        *b"SNAP",
        &[5, 1, 7, 2, 0x80, 0x01],
    );
}

#[test]
fn target() {
    check(
        Target {
            arch: Arch::Thumb,
            pointer_width: 4,
            big_endian: true,
            os: Os::Linux,
            pid: 300,
            parent_pid: 1,
            start_unix_ns: u64::MAX,
            unwinder: b"cfi",
            command: b"a\0b",
        },
        *b"TARG",
        &[
            25, 4, 4, 1, 1, 0xac, 0x02, 1, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01, 3,
            b'c', b'f', b'i', 3, b'a', 0, b'b',
        ],
    );
}

#[test]
fn config() {
    check(
        Config {
            nodes: 1,
            nodes_capacity: 2,
            cells: 3,
            cells_capacity: 4,
            threads: 5,
            threads_capacity: 6,
            max_depth: 128,
            stages: 8,
            stages_capacity: 9,
            tags: 10,
            tags_capacity: 11,
        },
        *b"CONF",
        &[12, 1, 2, 3, 4, 5, 6, 0x80, 0x01, 8, 9, 10, 11],
    );
}

#[test]
fn module() {
    let segments = [
        Segment { start: 0x1000, length: 0x80, file_offset: 0, executable: true },
        Segment { start: 0x2000, length: 1, file_offset: 2, executable: false },
    ];
    check(
        Module {
            path: b"/a",
            build_id: &[0xde, 0xad],
            bias: 0x4000,
            unloaded: true,
            segments: List::Items(&segments),
            file_size: 0x100,
            file_modified_unix_ns: 5,
        },
        *b"MODU",
        &[
            25, 2, b'/', b'a', 2, 0xde, 0xad, 0x80, 0x80, 0x01, 1,
            2, // path, build id, bias, unloaded, count
            0x80, 0x20, 0x80, 0x01, 0, 1, // first segment
            0x80, 0x40, 1, 2, 0, // second segment
            0x80, 0x02, 5, // size and time of the file
        ],
    );
}

#[test]
fn thread() {
    check(
        Thread {
            id: 7,
            os_id: 4000,
            state: ThreadState::Exited,
            count: 37,
            name: b"worker",
            figures: FIGURES,
            own_peak: 400,
            own_peak_blocks: 10,
        },
        *b"THRD",
        &[
            24, 7, 0xa0, 0x1f, 1, 37, 6, b'w', b'o', b'r', b'k', b'e', b'r', // identity
            1, 0xac, 0x02, 3, 4, 5, 6, 7, 8, // figures
            0x90, 0x03, 10, // own peak
        ],
    );
}

#[test]
fn cell() {
    check(
        Cell { id: 1, thread: 2, tag: 3, heap: 4, stack: 200, cut: true, figures: FIGURES },
        *b"CELL",
        &[16, 1, 2, 3, 4, 0xc8, 0x01, 1, 1, 0xac, 0x02, 3, 4, 5, 6, 7, 8],
    );
}

#[test]
fn marks() {
    check(
        Marks {
            figures: FIGURES,
            frees: 9,
            failed_allocs: 10,
            peak_time_ns: 11,
            peak_error: 12,
            mark_error: 13,
        },
        *b"MARK",
        &[14, 1, 0xac, 0x02, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13],
    );
}

#[test]
fn stage() {
    let peaks = [ThreadPeak { thread: 1, peak: 300 }, ThreadPeak { thread: 2, peak: 4 }];
    check(
        Stage {
            name: b"parse",
            depth: 1,
            scope: 2,
            running: true,
            runs: 3,
            duration_ns: 4,
            begin_ns: 5,
            end_ns: 6,
            allocs: 7,
            bytes: 8,
            live_before: 9,
            live_after: 10,
            peak: 300,
            peak_blocks: 12,
            peak_time_ns: 13,
            lost: 14,
            threads: List::Items(&peaks),
        },
        *b"STAG",
        &[
            28, 5, b'p', b'a', b'r', b's', b'e', 1, 2, 1, 3, 4, 5, 6, 7, 8, 9, 10, 0xac, 0x02, 12, 13,
            14, // …
            2, 1, 0xac, 0x02, 2, 4, // count, then thread and peak of each
        ],
    );
}

#[test]
fn names_of_tags_and_heaps() {
    check(TagName { id: 2, parent: 1, name: b"get" }, *b"TAGN", &[6, 2, 1, 3, b'g', b'e', b't']);
    check(Heap { id: 1, name: b"pool" }, *b"HEAP", &[6, 1, 4, b'p', b'o', b'o', b'l']);
}

#[test]
fn timeline_and_sizes() {
    check(TimePoint { time_ns: 1, high: 300, live: 2 }, *b"TIME", &[4, 1, 0xac, 0x02, 2]);
    check(
        SizeClass { thread: u32::MAX, class: 9, allocs: 1, bytes: 300 },
        *b"SIZE",
        &[9, 0xff, 0xff, 0xff, 0xff, 0x0f, 9, 1, 0xac, 0x02],
    );
}

#[test]
fn process_and_fork() {
    check(Process { started: 300, image: 7, tracker: 8 }, *b"PROC", &[4, 0xac, 0x02, 7, 8]);
    let lost = [Lost { cause: LossCause::Paused, events: 5 }];
    let figures = |allocs| Figures { allocs, ..Figures::default() };
    check(
        Fork {
            parent: 1,
            time_ns: 2,
            failed_allocs: 3,
            unattributed: figures(4),
            overflow: figures(6),
            losses: List::Items(&lost),
        },
        *b"FORK",
        &[22, 1, 2, 3, 4, 0, 0, 0, 0, 0, 0, 0, 6, 0, 0, 0, 0, 0, 0, 0, 1, 2, 5],
    );
}

#[test]
fn loss_and_done() {
    check(Loss { cause: LossCause::Unknown(200), events: 1 }, *b"LOSS", &[3, 0xc8, 0x01, 1]);
    check(Done { sections: 130 }, *b"DONE", &[2, 0x82, 0x01]);
}

#[test]
fn nodes_are_deltas_of_ids_and_addresses() {
    let nodes = [
        (2, Node { parent: Node::ROOT, address: 0x1000 }),
        (3, Node { parent: 2, address: 0x1040 }),
        (4, Node { parent: 2, address: 0x1030 }),
        // Not the next id: a section of its own, where addresses start from 0 again.
        (200, Node { parent: Node::CUT, address: u64::MAX }),
    ];
    let bytes = dump(|out| nodes.iter().for_each(|&(id, node)| out.node(id, node).unwrap()));
    let first = [
        2, // id of the first node
        2, 0x80, 0x40, // 2 − 0, zigzag(0x1000)
        1, 0x80, 0x01, // 3 − 2, zigzag(+0x40)
        2, 0x1f, // 4 − 2, zigzag(−0x10)
    ];
    let second = [0xc8, 0x01, 0xc7, 0x01, 1]; // 200, 200 − 1, zigzag(−1)
    let expected =
        [&HEADER[..], &section(*b"NODE", &first), &section(*b"NODE", &second), &section(*b"DONE", &[1, 2])]
            .concat();
    assert_eq!(bytes, expected);

    let read: Vec<_> = Reader::new(&bytes)
        .unwrap()
        .filter_map(|item| if let Item::Section(section) = item { Some(section) } else { None })
        .flat_map(|section| section.nodes())
        .map(Result::unwrap)
        .collect();
    assert_eq!(read, nodes);
}

#[test]
fn a_code_has_one_number_on_both_sides() {
    fn same<T: Copy + Eq + Debug>(
        all: &[T],
        code: fn(T) -> u8,
        from_code: fn(u8) -> T,
        unknown: fn(u8) -> T,
    ) {
        assert!(all.is_sorted_by_key(|&variant| code(variant)));
        for number in 0..=u8::MAX {
            let known = all.iter().copied().find(|&variant| code(variant) == number);
            assert_eq!(from_code(number), known.unwrap_or(unknown(number)));
        }
    }
    same(Kind::ALL, Kind::code, Kind::from_code, Kind::Unknown);
    same(Cause::ALL, Cause::code, Cause::from_code, Cause::Unknown);
    same(Arch::ALL, Arch::code, Arch::from_code, Arch::Unknown);
    same(Os::ALL, Os::code, Os::from_code, Os::Unknown);
    same(ThreadState::ALL, ThreadState::code, ThreadState::from_code, ThreadState::Unknown);
    same(LossCause::ALL, LossCause::code, LossCause::from_code, LossCause::Unknown);
}
