//! Builds dumps for the tests.

use std::convert::Infallible;

use memtrack_format::{
    Arch, Cause, Cell, Config, Encoder, Figures, Heap, Kind, List, Loss, LossCause, Marks, Module, Node, Os,
    Record, Segment, Sink, Snapshot, Stage, TagName, Target, Thread, ThreadPeak, ThreadState,
};

/// Collects a dump.
struct Bytes(Vec<u8>);

impl Sink for Bytes {
    type Error = Infallible;

    fn write(&mut self, bytes: &[u8]) -> Result<(), Infallible> {
        self.0.extend_from_slice(bytes);
        Ok(())
    }
}

/// One snapshot under construction.
pub struct Builder(Encoder<Bytes, 4096>);

impl Builder {
    pub fn new(kind: Kind, sequence: u32) -> Self {
        Self::at(kind, sequence, 1_500_000_000)
    }

    /// A snapshot taken at `time_ns` after the start.
    pub fn at(kind: Kind, sequence: u32, time_ns: u64) -> Self {
        let mut builder = Builder(Encoder::new(Bytes(Vec::new())).unwrap());
        let cause = if kind == Kind::Stage { Cause::StageEnd } else { Cause::Exit };
        builder.record(&Snapshot { kind, cause, sequence, time_ns });
        builder
    }

    pub fn record<'a, R: Record<'a>>(&mut self, record: &R) -> &mut Self {
        self.0.record(record).unwrap();
        self
    }

    pub fn node(&mut self, id: u32, parent: u32, address: u64) -> &mut Self {
        self.0.node(id, Node { parent, address }).unwrap();
        self
    }

    pub fn finish(self) -> Vec<u8> {
        self.0.finish().unwrap().0
    }
}

pub fn target(pid: u32) -> Target<'static> {
    Target {
        arch: Arch::X86_64,
        pointer_width: 8,
        big_endian: false,
        os: Os::Linux,
        pid,
        parent_pid: 1,
        start_unix_ns: 1_700_000_000_000_000_000,
        unwinder: b"cfi",
        command: b"/opt/shop/server\0--port\x001",
    }
}

/// A module whose file does not exist, so its addresses show as `server+0x…`.
pub fn module<'a>(path: &'a [u8], build_id: &'a [u8], bias: u64, segments: &'a [Segment]) -> Module<'a> {
    Module { path, build_id, bias, segments: List::Items(segments), ..Module::default() }
}

pub fn segment(start: u64, length: u64, file_offset: u64) -> Segment {
    Segment { start, length, file_offset, executable: true }
}

/// `allocs` blocks of 100 bytes. `live` of them are live now, and `peak` were live at the peak.
pub fn figures(allocs: u64, live: u64, peak: u64) -> Figures {
    Figures {
        allocs,
        bytes: 100 * allocs,
        live: 100 * live,
        live_blocks: live,
        peak: 100 * peak,
        peak_blocks: peak,
        temporary: allocs / 10,
        reallocs: 0,
    }
}

pub fn sum(all: impl IntoIterator<Item = Figures>) -> Figures {
    all.into_iter().fold(Figures::default(), |a, b| Figures {
        allocs: a.allocs + b.allocs,
        bytes: a.bytes + b.bytes,
        live: a.live + b.live,
        live_blocks: a.live_blocks + b.live_blocks,
        peak: a.peak + b.peak,
        peak_blocks: a.peak_blocks + b.peak_blocks,
        temporary: a.temporary + b.temporary,
        reallocs: a.reallocs + b.reallocs,
    })
}

/// A cell without tag and heap.
pub fn cell(id: u32, thread: u32, stack: u32, figures: Figures) -> Cell {
    Cell { id, thread, stack, figures, ..Cell::default() }
}

pub fn thread<'a>(id: u32, name: &'a [u8], cells: &[Cell]) -> Thread<'a> {
    let own = cells.iter().filter(|cell| cell.thread == id).map(|cell| cell.figures);
    let figures = sum(own);
    let state = if id == 0 { ThreadState::Unattributed } else { ThreadState::Exited };
    Thread { id, name, state, figures, count: 1, own_peak: figures.peak, ..Thread::default() }
}

/// A complete dump of the given cells, on this tree of stacks:
///
/// ```text
/// 2 server+0x100 ─ 3 server+0x200 ─ 4 server+0x300
///               └─ 5 server+0x400
/// ```
pub fn program(cells: &[Cell]) -> Builder {
    let mut builder = Builder::new(Kind::Program, 7);
    builder.record(&target(42));
    builder.record(&module(b"/opt/shop/server", b"\xab\xcd\xef", 0x10000, &[segment(0x10000, 0x1000, 0)]));
    builder.record(&Config {
        nodes: 4,
        nodes_capacity: 1024,
        cells: 3,
        cells_capacity: 512,
        threads: 2,
        threads_capacity: 64,
        max_depth: 128,
        ..Config::default()
    });
    for (id, name) in [(0, &b""[..]), (1, b"main"), (2, b"worker"), (3, b"worker")] {
        builder.record(&thread(id, name, cells));
    }
    builder.node(2, Node::ROOT, 0x10100).node(3, 2, 0x10200).node(4, 3, 0x10300).node(5, 2, 0x10400);
    cells.iter().for_each(|cell| _ = builder.record(cell));
    let figures = sum(cells.iter().map(|cell| cell.figures));
    builder.record(&Marks { figures, frees: figures.allocs - figures.live_blocks, ..Marks::default() });
    builder
}

/// Cells of all kinds: of three threads, on the whole tree, unattributed, truncated, cut, tagged, and of
/// another heap.
pub fn cells() -> Vec<Cell> {
    vec![
        cell(0, 0, 0, figures(10, 1, 2)),
        cell(1, 1, 4, figures(20, 3, 4)),
        cell(2, 1, 5, figures(30, 5, 6)),
        cell(3, 2, 4, figures(40, 7, 8)),
        cell(4, 3, 3, figures(50, 9, 10)),
        cell(5, 1, Node::CUT, figures(60, 11, 12)),
        Cell { cut: true, ..cell(6, 2, 3, figures(70, 13, 14)) },
        Cell { tag: 2, ..cell(7, 1, 5, figures(80, 15, 16)) },
        Cell { heap: 1, ..cell(8, 2, 2, figures(90, 17, 18)) },
    ]
}

/// The dump of most tests.
pub fn full() -> Vec<u8> {
    let mut builder = program(&cells());
    builder.record(&TagName { id: 1, parent: 0, name: b"request" });
    builder.record(&TagName { id: 2, parent: 1, name: b"db" });
    builder.record(&Heap { id: 1, name: b"arena" });
    builder.record(&stage(b"parse", 9000));
    builder.record(&stage(b"render", 500));
    builder.record(&Loss { cause: LossCause::TooDeep, events: 12 });
    builder.record(&Loss { cause: LossCause::Reentered, events: 10 });
    builder.finish()
}

pub fn stage(name: &[u8], peak: u64) -> Stage<'_> {
    Stage {
        name,
        runs: 2,
        duration_ns: 2_000_000,
        end_ns: 3_000_000,
        allocs: 90,
        bytes: 9000,
        live_before: 100,
        live_after: 200,
        peak,
        peak_blocks: peak / 100,
        threads: List::Items(&[ThreadPeak { thread: 1, peak: 400 }]),
        ..Stage::default()
    }
}
