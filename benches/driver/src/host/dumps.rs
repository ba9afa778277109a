//! Dumps of known sizes, written as a tracker writes them.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;

use anyhow::{Result, anyhow};
use memtrack_format::{
    Cause, Cell, EncodeError, Encoder, Figures, Kind, List, Marks, Module, Node, Record, Segment, Sink,
    Snapshot, Thread,
};

struct Out(BufWriter<File>);

impl Sink for Out {
    type Error = io::Error;

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.0.write_all(bytes)
    }
}

/// A snapshot under construction. Every cell is of the one thread.
struct Writer {
    encoder: Encoder<Out, 4096>,
    sum: Figures,
}

impl Writer {
    fn new(out: Out) -> Result<Self> {
        let mut writer = Writer { encoder: Encoder::new(out)?, sum: Figures::default() };
        writer.record(&Snapshot {
            kind: Kind::Program,
            cause: Cause::Exit,
            sequence: 0,
            time_ns: 1_000_000_000,
        })?;
        Ok(writer)
    }

    fn record<'a, R: Record<'a>>(&mut self, record: &R) -> Result<()> {
        self.encoder.record(record).map_err(error)
    }

    fn node(&mut self, id: u32, parent: u32, address: u64) -> Result<()> {
        self.encoder.node(id, Node { parent, address }).map_err(error)
    }

    fn module(&mut self, path: &[u8]) -> Result<()> {
        let everywhere = [Segment { start: 0, length: 1 << 40, file_offset: 0, executable: true }];
        self.record(&Module { path, segments: List::Items(&everywhere), ..Module::default() })
    }

    fn cell(&mut self, id: u32, stack: u32) -> Result<()> {
        let blocks = u64::from(id % 7 + 1);
        let bytes = blocks * u64::from(id % 1000 + 16);
        let (live, live_blocks) = (bytes, blocks);
        let figures = Figures {
            allocs: blocks,
            bytes,
            live,
            live_blocks,
            peak: bytes,
            peak_blocks: blocks,
            ..Figures::default()
        };
        self.sum = Figures {
            allocs: self.sum.allocs + blocks,
            bytes: self.sum.bytes + bytes,
            live: self.sum.live + bytes,
            live_blocks: self.sum.live_blocks + blocks,
            peak: self.sum.peak + bytes,
            peak_blocks: self.sum.peak_blocks + blocks,
            ..self.sum
        };
        self.record(&Cell { id, thread: 1, stack, figures, ..Cell::default() })
    }

    fn finish(mut self) -> Result<Out> {
        let figures = self.sum;
        self.record(&Thread { id: 1, name: b"main", count: 1, figures, ..Thread::default() })?;
        self.record(&Marks { figures, ..Marks::default() })?;
        self.encoder.finish().map_err(error)
    }
}

fn error(error: EncodeError<io::Error>) -> anyhow::Error {
    anyhow!("the dump cannot be written: {error:?}")
}

/// A dump in which each address is a stack of its own.
pub(super) fn of_addresses(file: File, binary: &Path, addresses: &[u64]) -> Result<()> {
    let mut writer = Writer::new(Out(BufWriter::new(file)))?;
    writer.module(binary.as_os_str().as_encoded_bytes())?;
    for (id, &address) in (Node::FIRST..).zip(addresses) {
        writer.node(id, Node::ROOT, address)?;
    }
    for (id, _) in (Node::FIRST..).zip(addresses) {
        writer.cell(id - 1, id)?;
    }
    Ok(writer.finish()?.0.flush()?)
}

/// Snapshots of `cells` stacks each, about thirty frames deep, appended until the file has `size` bytes: the same one
/// again and again.
pub(super) fn of_size(path: &Path, cells: u32, size: u64) -> Result<()> {
    let mut writer = Writer::new(Out(BufWriter::new(File::create(path)?)))?;
    writer.module(b"/opt/shop/server")?;
    let nodes = tree(cells, |id, parent, address| writer.node(id, parent, address))?;
    for cell in 1..=cells {
        writer.cell(cell, nodes - cell)?;
    }
    writer.finish()?.0.flush()?;
    let snapshot = std::fs::read(path)?;
    let mut file = File::options().append(true).open(path)?;
    for _ in 1..size.div_ceil(snapshot.len() as u64) {
        file.write_all(&snapshot)?;
    }
    Ok(())
}

/// A tree of stacks as programs have them: a trunk that all share, branches of four at each level, two frames of its own
/// for each stack. Returns the id after the last; the last `cells` nodes are the stacks.
fn tree(cells: u32, mut node: impl FnMut(u32, u32, u64) -> Result<()>) -> Result<u32> {
    const TRUNK: u32 = 20;
    const FUNCTIONS: u64 = 30_000;
    let mut id = Node::FIRST;
    let address = |id: u32| (u64::from(id).wrapping_mul(0x9e37_79b9) % FUNCTIONS + 1) * 64;
    let mut parent = Node::ROOT;
    for _ in 0..TRUNK {
        node(id, parent, address(id))?;
        (parent, id) = (id, id + 1);
    }
    let (mut first, mut width) = (parent, 1);
    while width * 4 <= cells {
        let level = id;
        for child in 0..width * 4 {
            node(id, first + child / 4, address(id))?;
            id += 1;
        }
        (first, width) = (level, width * 4);
    }
    for own in [width, cells] {
        let level = id;
        for child in 0..cells {
            node(id, first + child % own, address(id))?;
            id += 1;
        }
        first = level;
    }
    Ok(id)
}
