//! The committed dumps, one for each version of the format, and their contents. A dump never changes once its version
//! is released: readers of all later versions must read it.

use std::path::PathBuf;

use crate::dump_builder::{DumpBuilder, Fields};

/// The folder of the committed dumps.
#[must_use]
pub fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("corpus")
}

/// The files of version 1: path and contents of each.
#[must_use]
pub fn v1_files() -> [(PathBuf, Vec<u8>); 2] {
    let dump = v1();
    [(folder().join("v1.memtrack"), dump.bytes), (folder().join("v1.txt"), dump.listing.into_bytes())]
}

/// The dump of version 1: a snapshot of a stage, then one of the program. Both together hold every kind of record,
/// the smallest and the largest values, names that are empty, long or not UTF-8, and a section and a field of a later
/// version.
#[must_use]
pub fn v1() -> DumpBuilder {
    let mut dump = DumpBuilder::new();
    stage_snapshot(&mut dump);
    program_snapshot(&mut dump);
    dump
}

fn stage_snapshot(dump: &mut DumpBuilder) {
    dump.snapshot();
    dump.section("SNAP", [snap(1, 7, 0, 2_000_000)]);
    dump.section("TARG", [target()]);
    dump.section("MODU", modules());
    dump.section("THRD", threads());
    dump.section("TAGN", tags());
    dump.section("STAG", [parse()]);
    dump.nodes(2, &[(0, 0x5555_5555_6000), (2, 0x5555_5555_6040), (2, 0x5555_5555_5fff)]);
    dump.section("CELL", [cell(1, 1, 0, 0, 3, false, [2, 600, 500, 1, 600, 2, 0, 0])]);
    dump.done();
}

fn program_snapshot(dump: &mut DumpBuilder) {
    dump.snapshot();
    dump.section("SNAP", [snap(0, 1, 1, 9_000_000_000)]);
    dump.section("TARG", [target()]);
    let config = [
        ("nodes", 9),
        ("nodes_capacity", 262_144),
        ("cells", 5),
        ("cells_capacity", 262_143),
        ("threads", 4),
        ("threads_capacity", 256),
        ("max_depth", 128),
        ("stages", 2),
        ("stages_capacity", 64),
        ("tags", 2),
        ("tags_capacity", 127),
    ];
    let config =
        config.into_iter().fold(Fields::new(), |fields, (name, value)| fields.uint(name, value as u32));
    dump.section("CONF", [config]);
    dump.section("MODU", modules());
    dump.section("THRD", threads());
    dump.section("TAGN", tags());
    dump.section(
        "HEAP",
        [(1u32, "arena"), (u32::MAX, "")]
            .map(|(id, name)| Fields::new().uint("id", id).bytes("name", name.as_bytes())),
    );
    dump.section("STAG", [parse(), index()]);
    dump.nodes(2, &[(0, 0x5555_5555_6000), (2, 0x5555_5555_6040), (2, 0x5555_5555_5fff), (4, 0)]);
    dump.nodes(7, &[(1, u64::MAX), (7, 1 << 63), (8, (1 << 63) - 1)]);
    dump.nodes(u32::MAX - 1, &[(0, 0x7fff_0000_1234)]);
    // Two sections of one kind: a writer does this when its buffer is full.
    dump.section(
        "CELL",
        [
            cell(0, 0, 0, 0, 0, false, [2, 48, 48, 2, 48, 2, 0, 0]),
            cell(1, 1, 0, 0, 3, false, [3, 1100, 0, 0, 600, 2, 1, 1]),
            cell(2, 1, 1, 0, 6, false, [40, 4000, 300, 3, 0, 0, 30, 0]),
        ],
    );
    dump.section(
        "CELL",
        [
            cell(3, 2, 2, 1, 9, true, [1, 1 << 40, 1 << 40, 1, 1 << 40, 1, 0, 0]),
            cell(0xff_ffff, 3, 0, 0, u32::MAX - 1, false, [7, 7, 0, 0, 0, 0, 7, 0]),
        ],
    );
    dump.frame("NEXT", b"what a later version adds");
    dump.section(
        "MARK",
        [Fields::new()
            .figures([53, 5155 + (1 << 40), 348 + (1 << 40), 6, 648 + (1 << 40), 5, 38, 1])
            .uint("frees", 47u64)
            .uint("failed_allocs", 2u64)
            .uint("peak_time_ns", 7_500_000_000u64)
            .uint("peak_error", 0u64)
            .uint("mark_error", 0u64)],
    );
    dump.section(
        "TIME",
        [[0, 0, 0], [1_000_000, 700, 500], [u64::MAX, u64::MAX, 0]].map(|[time, high, live]| {
            Fields::new().uint("time_ns", time).uint("high", high).uint("live", live)
        }),
    );
    dump.section(
        "SIZE",
        [(u32::MAX, 10u8, 2u64, 1100u64), (1, 64, 1, u64::MAX)].map(|(thread, class, allocs, bytes)| {
            Fields::new()
                .uint("thread", thread)
                .uint("class", class)
                .uint("allocs", allocs)
                .uint("bytes", bytes)
        }),
    );
    let causes = (0u8..=13).chain([255]);
    dump.section(
        "LOSS",
        causes.map(|cause| {
            let events = match cause {
                0 | 1 => 1,
                2 | 5 => 0,
                other => u64::from(other) * 1000,
            };
            Fields::new().uint("cause", cause).uint("events", events)
        }),
    );
    dump.done();
}

fn snap(kind: u8, cause: u8, sequence: u32, time_ns: u64) -> Fields {
    Fields::new().uint("kind", kind).uint("cause", cause).uint("sequence", sequence).uint("time_ns", time_ns)
}

fn target() -> Fields {
    Fields::new()
        .uint("arch", 1u8)
        .uint("pointer_width", 8u8)
        .flag("big_endian", false)
        .uint("os", 1u8)
        .uint("pid", 4711u32)
        .uint("parent_pid", 1u32)
        .uint("start_unix_ns", 1_700_000_000_123_456_789_u64)
        .bytes("unwinder", b"cfi")
        .bytes("command", b"word-index\0--threads\x004")
}

fn modules() -> [Fields; 2] {
    let segment = |start: u64, length: u64, offset: u64, executable| {
        Fields::new()
            .uint("start", start)
            .uint("length", length)
            .uint("file_offset", offset)
            .flag("executable", executable)
    };
    let module = |path: &[u8], build_id: &[u8], bias: u64, unloaded| {
        Fields::new()
            .bytes("path", path)
            .bytes("build_id", build_id)
            .uint("bias", bias)
            .flag("unloaded", unloaded)
    };
    let code = segment(0x5555_5555_5000, 0x4_2000, 0x1000, true);
    let data = segment(0x5555_5559_8000, 0x1000, 0x4_3000, false);
    [
        module(b"/usr/bin/word-index", &[0xd0; 20], 0x5555_5555_4000, false).list("segments", &[code, data]),
        module(b"/tmp/plug\xff in.so", b"", u64::MAX - 0xfff, true).list("segments", &[]),
    ]
}

fn threads() -> [Fields; 4] {
    let thread = |id: u32, os_id: u64, state: u8, count: u32, name: &str| {
        Fields::new()
            .uint("id", id)
            .uint("os_id", os_id)
            .uint("state", state)
            .uint("count", count)
            .bytes("name", name.as_bytes())
    };
    let own = |fields: Fields, peak: u64, blocks: u64| {
        fields.uint("own_peak", peak).uint("own_peak_blocks", blocks)
    };
    [
        own(thread(0, 0, 2, 1, "").figures([2, 48, 48, 2, 48, 2, 0, 0]), 48, 2),
        own(thread(1, 4711, 0, 1, "main").figures([43, 5100, 300, 3, 600, 2, 31, 1]), 900, 4),
        own(thread(2, 4712, 1, 37, "worker").figures([1, 1 << 40, 1 << 40, 1, 1 << 40, 1, 0, 0]), 1 << 40, 1),
        own(thread(3, u64::MAX, 3, 2, &"long name ".repeat(13)).figures([7, 7, 0, 0, 0, 0, 7, 0]), 1, 1),
    ]
}

fn tags() -> [Fields; 2] {
    [(1u32, 0u32, "GET /"), (2, 1, "query \u{1f50d}")].map(|(id, parent, name)| {
        Fields::new().uint("id", id).uint("parent", parent).bytes("name", name.as_bytes())
    })
}

fn parse() -> Fields {
    let peak = |thread: u32, peak: u64| Fields::new().uint("thread", thread).uint("peak", peak);
    stage(b"parse", 0, 0, false, [3, 5_000, 1_000, 2_000_000, 2, 600, 0, 500, 600, 2, 1_500, 0])
        .list("threads", &[peak(1, 600), peak(2, 0)])
}

/// A stage with a field after the last known one, as a later version may write it.
fn index() -> Fields {
    let mut index = stage(b"index; <b>\x1b[1m", 1, 3, true, [1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, u64::MAX])
        .list("threads", &[]);
    index.append_unlisted(&[1, 2, 3]);
    index
}

fn stage(name: &[u8], depth: u32, scope: u32, running: bool, numbers: [u64; 12]) -> Fields {
    let names = [
        "runs",
        "duration_ns",
        "begin_ns",
        "end_ns",
        "allocs",
        "bytes",
        "live_before",
        "live_after",
        "peak",
        "peak_blocks",
        "peak_time_ns",
        "lost",
    ];
    let head =
        Fields::new().bytes("name", name).uint("depth", depth).uint("scope", scope).flag("running", running);
    names.iter().zip(numbers).fold(head, |fields, (name, number)| fields.uint(name, number))
}

fn cell(id: u32, thread: u32, tag: u32, heap: u32, stack: u32, cut: bool, figures: [u64; 8]) -> Fields {
    Fields::new()
        .uint("id", id)
        .uint("thread", thread)
        .uint("tag", tag)
        .uint("heap", heap)
        .uint("stack", stack)
        .flag("cut", cut)
        .figures(figures)
}
