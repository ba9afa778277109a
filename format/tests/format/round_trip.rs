//! Any record that is written is read back the same, and any bytes at all are read without a panic.

use core::fmt::Debug;

use memtrack_format::{
    Arch, Cause, Cell, Config, Figures, Fork, Heap, Item, Kind, List, Loss, LossCause, Lost, Marks, Module,
    Node, Os, Process, Reader, Record, Section, Segment, SizeClass, Snapshot, Stage, TagName, Target, Thread,
    ThreadPeak, ThreadState, TimePoint,
};
use proptest::collection::vec;
use proptest::prelude::*;

use crate::support::{dump, dump_of, read};

fn sections(bytes: &[u8]) -> Vec<Section<'_>> {
    let items = Reader::new(bytes).unwrap();
    items.filter_map(|item| if let Item::Section(section) = item { Some(section) } else { None }).collect()
}

/// `bytes` is the caller's, so that what is read from it lives as long as `record`.
fn comes_back<'a, R: Record<'a> + Copy + PartialEq + Debug>(record: R, bytes: &'a mut Vec<u8>) {
    *bytes = dump_of(&record);
    let bytes: &'a [u8] = bytes;
    let records: Vec<R> = sections(bytes)[0].records().map(Result::unwrap).collect();
    assert_eq!(records, [record]);
}

fn figures() -> impl Strategy<Value = Figures> {
    any::<[u64; 8]>().prop_map(
        |[allocs, bytes, live, live_blocks, peak, peak_blocks, temporary, reallocs]| Figures {
            allocs,
            bytes,
            live,
            live_blocks,
            peak,
            peak_blocks,
            temporary,
            reallocs,
        },
    )
}

fn text() -> impl Strategy<Value = Vec<u8>> {
    vec(any::<u8>(), 0..300)
}

proptest! {
    #[test]
    fn snapshots(kind: u8, cause: u8, sequence: u32, time_ns: u64) {
        let (kind, cause) = (Kind::from_code(kind), Cause::from_code(cause));
        comes_back(Snapshot { kind, cause, sequence, time_ns }, &mut Vec::new());
    }

    #[test]
    fn targets(codes: [u8; 3], big_endian: bool, pids: [u32; 2], start_unix_ns: u64, unwinder in text(), command in text()) {
        let [arch, pointer_width, os] = codes;
        let (arch, os, [pid, parent_pid]) = (Arch::from_code(arch), Os::from_code(os), pids);
        let (unwinder, command) = (&unwinder[..], &command[..]);
        let target =
            Target { arch, pointer_width, big_endian, os, pid, parent_pid, start_unix_ns, unwinder, command };
        comes_back(target, &mut Vec::new());
    }

    #[test]
    fn configs(n: [u32; 11]) {
        let config = Config {
            nodes: n[0], nodes_capacity: n[1], cells: n[2], cells_capacity: n[3], threads: n[4], threads_capacity: n[5],
            max_depth: n[6], stages: n[7], stages_capacity: n[8], tags: n[9], tags_capacity: n[10],
        };
        comes_back(config, &mut Vec::new());
    }

    #[test]
    fn modules(
        path in text(), build_id in text(), bias: u64, unloaded: bool, file: [u64; 2],
        segments in vec((any::<[u64; 3]>(), any::<bool>()), 0..10),
    ) {
        let segment = |&([start, length, file_offset], executable): &([u64; 3], bool)| Segment { start, length, file_offset, executable };
        let segments: Vec<_> = segments.iter().map(segment).collect();
        let [file_size, file_modified_unix_ns] = file;
        let segments = List::Items(&segments);
        let module = Module { path: &path, build_id: &build_id, bias, unloaded, segments, file_size, file_modified_unix_ns };
        comes_back(module, &mut Vec::new());
    }

    #[test]
    fn threads(id: u32, os_id: u64, state: u8, count: u32, name in text(), figures in figures(), own: [u64; 2]) {
        let (state, [own_peak, own_peak_blocks]) = (ThreadState::from_code(state), own);
        let thread = Thread { id, os_id, state, count, name: &name, figures, own_peak, own_peak_blocks };
        comes_back(thread, &mut Vec::new());
    }

    #[test]
    fn cells(ids: [u32; 5], cut: bool, figures in figures()) {
        let [id, thread, tag, heap, stack] = ids;
        comes_back(Cell { id, thread, tag, heap, stack, cut, figures }, &mut Vec::new());
    }

    #[test]
    fn marks(figures in figures(), n: [u64; 5]) {
        let [frees, failed_allocs, peak_time_ns, peak_error, mark_error] = n;
        comes_back(Marks { figures, frees, failed_allocs, peak_time_ns, peak_error, mark_error }, &mut Vec::new());
    }

    #[test]
    fn stages(
        name in text(), depth: u32, scope: u32, running: bool, n: [u64; 12],
        peaks in vec(any::<(u32, u64)>(), 0..20),
    ) {
        let peaks: Vec<_> = peaks.into_iter().map(|(thread, peak)| ThreadPeak { thread, peak }).collect();
        let stage = Stage {
            name: &name, depth, scope, running, runs: n[0], duration_ns: n[1], begin_ns: n[2], end_ns: n[3],
            allocs: n[4], bytes: n[5], live_before: n[6], live_after: n[7], peak: n[8], peak_blocks: n[9],
            peak_time_ns: n[10], lost: n[11], threads: List::Items(&peaks),
        };
        comes_back(stage, &mut Vec::new());
    }

    #[test]
    fn small_records(id: u32, parent: u32, class: u8, name in text(), n: [u64; 3]) {
        comes_back(TagName { id, parent, name: &name }, &mut Vec::new());
        comes_back(Heap { id, name: &name }, &mut Vec::new());
        comes_back(TimePoint { time_ns: n[0], high: n[1], live: n[2] }, &mut Vec::new());
        comes_back(SizeClass { thread: id, class, allocs: n[0], bytes: n[1] }, &mut Vec::new());
        comes_back(Loss { cause: LossCause::from_code(class), events: n[0] }, &mut Vec::new());
        comes_back(Process { started: n[0], image: id, tracker: n[1] }, &mut Vec::new());
    }

    #[test]
    fn forks(
        parent: u32, n: [u64; 2], shared in [figures(), figures()], lost in vec(any::<(u8, u64)>(), 0..20),
    ) {
        let lost: Vec<_> =
            lost.into_iter().map(|(code, events)| Lost { cause: LossCause::from_code(code), events }).collect();
        let ([time_ns, failed_allocs], [unattributed, overflow]) = (n, shared);
        let losses = List::Items(&lost);
        comes_back(Fork { parent, time_ns, failed_allocs, unattributed, overflow, losses }, &mut Vec::new());
    }

    /// Nodes with gaps between their ids, any parent below, any address.
    #[test]
    fn trees(nodes in vec((1u32..5, any::<prop::sample::Index>(), any::<u64>()), 0..400)) {
        let mut id = Node::FIRST - 1;
        let nodes: Vec<_> = nodes
            .into_iter()
            .map(|(gap, parent, address)| {
                id += if gap == 4 { 1000 } else { 1 };
                (id, Node { parent: parent.index(id as usize) as u32, address })
            })
            .collect();
        let bytes = dump(|out| nodes.iter().for_each(|&(id, node)| out.node(id, node).unwrap()));
        let back: Vec<_> = sections(&bytes).iter().flat_map(Section::nodes).map(Result::unwrap).collect();
        prop_assert_eq!(back, nodes);
    }

    /// Frames that check around payloads of anything: only the records' own tests stand between these bytes and
    /// the host tool.
    #[test]
    fn any_payload_is_read_without_a_panic(payload in vec(any::<u8>(), 0..200)) {
        fn all<'a, R: Record<'a>>(payload: &'a [u8]) -> usize {
            Section { tag: R::TAG, offset: 0, payload }.records::<R>().take_while(Result::is_ok).count()
        }
        let payload = &payload[..];
        let most = [
            all::<Snapshot>(payload), all::<Target<'_>>(payload), all::<Config>(payload), all::<Module<'_>>(payload),
            all::<Thread<'_>>(payload), all::<Cell>(payload), all::<Marks>(payload), all::<Stage<'_>>(payload),
            all::<TagName<'_>>(payload), all::<Heap<'_>>(payload), all::<TimePoint>(payload),
            all::<SizeClass>(payload), all::<Loss>(payload), all::<Process>(payload), all::<Fork<'_>>(payload),
            Section { tag: memtrack_format::Tag::NODE, offset: 0, payload }.nodes().count(),
        ];
        prop_assert!(most.iter().all(|&count| count <= payload.len()));
    }

    #[test]
    fn any_bytes_are_read_without_a_panic(bytes in vec(any::<u8>(), 0..2000)) {
        read(&bytes);
    }

    /// Damage of several kinds at once in a real dump; `read` checks that each byte is read or reported.
    #[test]
    fn any_edits_are_read_without_a_panic(
        edits in vec((any::<prop::sample::Index>(), any::<u8>(), 0u8..3), 1..20),
    ) {
        let mut bytes = crate::support::small_dump();
        for (at, value, what) in edits {
            let at = at.index(bytes.len());
            match what {
                0 => bytes[at] = value,
                1 => bytes.insert(at, value),
                _ => drop(bytes.remove(at)),
            }
        }
        read(&bytes);
    }
}
