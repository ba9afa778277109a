//! What the modules share: a sink in memory, a small dump, and a look at what a reader finds.

use core::convert::Infallible;

use memtrack_format::{
    Cause, Cell, Damage, Encoder, Figures, Item, Kind, Loss, LossCause, Marks, Module, Node, Reader, Record,
    Segment, Sink, Snapshot, Stage, Tag, Target, Thread, ThreadPeak,
};

/// Bytes in memory.
#[derive(Debug, Default)]
pub(crate) struct Memory(pub(crate) Vec<u8>);

impl Sink for Memory {
    type Error = Infallible;
    fn write(&mut self, bytes: &[u8]) -> Result<(), Infallible> {
        self.0.extend_from_slice(bytes);
        Ok(())
    }
}

/// An encoder into memory whose sections hold up to 1000 bytes.
pub(crate) type MemoryEncoder = Encoder<Memory, 1012>;

/// The bytes of one snapshot.
pub(crate) fn dump(write: impl FnOnce(&mut MemoryEncoder)) -> Vec<u8> {
    let mut encoder = MemoryEncoder::new(Memory::default()).unwrap();
    write(&mut encoder);
    encoder.finish().unwrap().0
}

/// The bytes of a snapshot with one record.
pub(crate) fn dump_of<'a>(record: &impl Record<'a>) -> Vec<u8> {
    dump(|encoder| encoder.record(record).unwrap())
}

/// A section, written by hand around `payload` with the CRC-32 that belongs there.
pub(crate) fn section(tag: [u8; 4], payload: &[u8]) -> Vec<u8> {
    let mut bytes = tag.to_vec();
    bytes.extend((payload.len() as u32).to_le_bytes());
    bytes.extend(payload);
    bytes.extend(memtrack_format::crc32(&bytes).to_le_bytes());
    bytes
}

/// The header of a version-1 snapshot as literal bytes.
pub(crate) const HEADER: [u8; 16] =
    [0x89, b'M', b'T', b'K', b'\r', b'\n', 0x1a, b'\n', 0x01, 0x00, 0x00, 0x00, 0xb8, 0x68, 0x6b, 0x18];

/// A snapshot with a section of most kinds, small enough to be cut at every byte.
pub(crate) fn small_dump() -> Vec<u8> {
    let figures =
        Figures { allocs: 3, bytes: 400, live: 300, live_blocks: 2, peak: 350, ..Figures::default() };
    dump(|out| {
        out.record(&Snapshot { kind: Kind::Program, cause: Cause::Exit, sequence: 1, time_ns: 5_000_000 })
            .unwrap();
        out.record(&Target { pid: 4711, unwinder: b"cfi", command: b"word-index\0src", ..Target::default() })
            .unwrap();
        let segments =
            [Segment { start: 0x5555_0000, length: 0x2000, file_offset: 0x1000, executable: true }];
        let segments = memtrack_format::List::Items(&segments);
        out.record(&Module {
            path: b"/usr/bin/word-index",
            build_id: &[0xab; 20],
            segments,
            ..Module::default()
        })
        .unwrap();
        out.record(&Thread { id: 1, name: b"main", count: 1, figures, ..Thread::default() }).unwrap();
        out.record(&Thread { id: 2, name: b"worker", count: 1, ..Thread::default() }).unwrap();
        for id in 2..6 {
            out.node(
                id,
                Node { parent: if id == 2 { 0 } else { id - 1 }, address: 0x5555_0000 + u64::from(id) * 40 },
            )
            .unwrap();
        }
        out.record(&Cell { id: 1, thread: 1, stack: 5, figures, ..Cell::default() }).unwrap();
        out.record(&Marks { figures, frees: 1, ..Marks::default() }).unwrap();
        let peaks = [ThreadPeak { thread: 1, peak: 350 }];
        let threads = memtrack_format::List::Items(&peaks);
        out.record(&Stage { name: b"parse", runs: 1, peak: 350, threads, ..Stage::default() }).unwrap();
        out.record(&Loss { cause: LossCause::Reentered, events: 0 }).unwrap();
    })
}

/// What a reader found: the tags and payloads of the sections, the number of snapshots, and the damage.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Found<'a> {
    pub(crate) snapshots: usize,
    pub(crate) sections: Vec<(Tag, &'a [u8])>,
    pub(crate) damage: Vec<Damage>,
}

/// Reads to the end; every byte is either read or reported as damage.
pub(crate) fn read(bytes: &[u8]) -> Found<'_> {
    let mut found = Found::default();
    let mut accounted = 0;
    for item in Reader::damaged(bytes) {
        match item {
            Item::Snapshot { .. } => {
                found.snapshots += 1;
                accounted += memtrack_format::HEADER_LEN;
            }
            Item::Section(section) => {
                found.sections.push((section.tag, section.payload));
                accounted += section.payload.len() + memtrack_format::OVERHEAD;
            }
            Item::Damage(damage) => {
                found.damage.push(damage);
                accounted += damage.length;
            }
        }
    }
    assert_eq!(accounted, bytes.len(), "each byte is read or reported");
    found
}

/// Where each frame of an undamaged dump ends; the first is the header.
pub(crate) fn frame_ends(bytes: &[u8]) -> Vec<usize> {
    Reader::damaged(bytes)
        .map(|item| match item {
            Item::Snapshot { offset, .. } => offset + memtrack_format::HEADER_LEN,
            Item::Section(section) => section.offset + section.payload.len() + 4,
            Item::Damage(damage) => panic!("{damage:?} in an undamaged dump"),
        })
        .collect()
}
