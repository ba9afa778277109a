//! The records of each table that are in use and within the file.

use super::header::{Header, Place, ROOM};
use super::memory::{Fields, Memory, Rule};
use super::records::{Account, Node, Slot, Tag, measure};
use super::stages::{Active, Point, Stage};
use crate::extents::Extents;

/// The fields between the credit and the tables.
pub(super) struct Head {
    pub(super) state: u64,
    pub(super) fallen: [u64; 2],
    pub(super) generation: u64,
    pub(super) reset: u64,
    pub(super) peak: u64,
    pub(super) kept: u64,
    pub(super) peak_time: [u64; 2],
    pub(super) losses: Vec<u64>,
    pub(super) failed: u64,
    pub(super) start_unix: u64,
    pub(super) snapshots: u32,
}

impl Head {
    /// The size of these fields without the last word.
    pub(super) fn size(header: &Header) -> usize {
        measure(header, 4, |from| _ = Self::read(header, from)) - 4
    }

    fn read(header: &Header, from: &mut Fields<'_>) -> Head {
        let (state, fallen) = (from.word(), [from.word(), from.word()]);
        let (generation, reset) = (from.word(), from.word());
        let (peak, kept) = (from.word(), from.word());
        let peak_time = [from.counter(), from.counter()];
        let losses = (0..header.causes).map(|_| from.counter()).collect();
        let failed = from.counter();
        // The start by the target's own clock is not used.
        from.counter();
        let (start_unix, snapshots) = (from.counter(), from.u32());
        Head {
            state,
            fallen,
            generation,
            reset,
            peak,
            kept,
            peak_time,
            losses,
            failed,
            start_unix,
            snapshots,
        }
    }
}

/// How exact the program's peak is.
pub(super) struct Room {
    /// Whether more than one thread has had events.
    open: bool,
    error: u64,
    slack: u64,
}

impl Room {
    fn read(from: &mut Fields<'_>) -> Room {
        // Skip the pool, and the word that says which threads hold shares.
        from.word();
        from.u32();
        Room { open: from.u32() != 0, error: from.word(), slack: from.word() }
    }

    /// The most bytes by which the peak may be too high.
    pub(super) fn error(&self, threads: u32) -> u64 {
        let slack = if self.open { self.slack } else { 0 };
        self.error.saturating_add(slack.saturating_mul(threads.into()))
    }
}

/// The content of all tables.
pub(super) struct Tables {
    pub(super) head: Head,
    pub(super) room: Room,
    /// Slots in use, by id.
    pub(super) slots: Vec<(u32, Slot)>,
    /// Nodes by id, callers first.
    pub(super) nodes: Vec<(u32, Node)>,
    /// Nodes whose caller is unknown.
    pub(super) strays: usize,
    /// Cells in use, by id.
    pub(super) cells: Vec<(u32, Account)>,
    /// Tags by id.
    pub(super) tags: Vec<(u32, Tag)>,
    /// Heaps by id.
    pub(super) heaps: Vec<(u32, Tag)>,
    pub(super) finished: Vec<Stage>,
    pub(super) active: Vec<Active>,
    pub(super) timeline: Vec<Point>,
    pub(super) use_of_nodes: Use,
    pub(super) use_of_cells: Use,
    pub(super) use_of_slots: Use,
}

/// How many records of a table are in use, and how many fit.
#[derive(Clone, Copy)]
pub(super) struct Use {
    pub(super) used: u32,
    pub(super) capacity: u32,
}

/// The number of stack ids that are not nodes: one is the root of complete stacks, one of stacks whose outer
/// frames are missing.
const ROOTS: u32 = 2;
/// The number of slots that belong to no thread of their own.
const SHARED: usize = 2;

impl Tables {
    pub(super) fn read(header: &Header, bytes: &[u8], extents: &Extents) -> Tables {
        let table = |place, align, own| Table { bytes, extents, rule: header.rule, place, align, own };
        let (line, word, long) = (Account::align(header), header.rule.pointer, Stage::align(header));
        let slots = table(header.threads, line, SHARED);
        // Ids begin behind the two roots. The last record of the table is never used.
        let nodes = table(header.nodes, word, 0);
        let cells = table(header.cells, line, 1);
        let mut strays = 0;
        let stacks = nodes.records(ROOTS, Node::read).filter(|(_, node)| node.address != 0);
        let stacks = stacks.map(|(id, node)| {
            let known = node.parent < id;
            strays += usize::from(!known);
            (id, Node { parent: if known { node.parent } else { ROOTS - 1 }, ..node })
        });
        let stacks = stacks.collect();
        let threads = slots.records(0, |from| Slot::read(header, from));
        let accounts = cells.records(0, Account::read);
        Tables {
            head: Head::read(header, &mut Fields::new(bytes, header.rule, header.marks)),
            room: Room::read(&mut Fields::new(bytes, header.rule, ROOM)),
            slots: threads.filter(|(id, slot)| *id >= SHARED as u32 || !slot.account.is_unused()).collect(),
            nodes: stacks,
            strays,
            cells: accounts.filter(|(_, cell)| !cell.is_unused()).collect(),
            tags: table(header.tags, 4, 0).records(1, Tag::read).collect(),
            heaps: table(header.heaps, 4, 0).records(1, Tag::read).collect(),
            finished: table(header.finished, long, 0).all(|from| Stage::read(header, from)),
            active: table(header.active, long, 0).all(|from| Active::read(header, from)),
            timeline: table(header.timeline, long, 0).all(Point::read),
            use_of_nodes: nodes.usage(1),
            use_of_cells: cells.usage(1),
            use_of_slots: slots.usage(SHARED),
        }
    }
}

/// A table in the image: the number of its records, then the records.
#[derive(Clone, Copy)]
struct Table<'i> {
    bytes: &'i [u8],
    extents: &'i Extents,
    rule: Rule,
    place: Place,
    align: usize,
    /// Records at the start of the table that are always in use and that its number does not count.
    own: usize,
}

impl<'i> Table<'i> {
    fn used(&self) -> usize {
        Memory { bytes: self.bytes, big_endian: self.rule.big_endian }.u32(self.place.offset) as usize
    }

    /// The table never gives out `reserved` of its records. Its number may be above its capacity for a
    /// moment, when a thread has just found it full.
    fn usage(&self, reserved: usize) -> Use {
        let capacity = self.place.capacity.saturating_sub(reserved);
        let number = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        Use { used: number(self.used().min(capacity)), capacity: number(capacity) }
    }

    /// The records in use, with ids from `first` on. A record without one byte in the file was never written:
    /// it is skipped, whatever number of records the table claims.
    fn records<T>(&self, first: u32, read: impl Fn(&mut Fields<'i>) -> T) -> impl Iterator<Item = (u32, T)> {
        let table = *self;
        let (begin, stride) = ((table.place.offset + 4).next_multiple_of(table.align), table.place.stride);
        let there = table.bytes.len().saturating_sub(begin).checked_div(stride).unwrap_or(0);
        let used = table.used().saturating_add(table.own).min(table.place.capacity).min(there);
        // The first record from `number` on that has a byte in the file.
        let written = move |number: usize| {
            let data = table.extents.next(begin + number * stride)?;
            Some((data - begin) / stride).filter(|&number| number < used)
        };
        let numbers = std::iter::successors(written(0), move |&number| written(number + 1));
        numbers.map(move |number| {
            let record = read(&mut Fields::new(table.bytes, table.rule, begin + number * stride));
            (first.saturating_add(u32::try_from(number).unwrap_or(u32::MAX)), record)
        })
    }

    /// The records without their ids.
    fn all<T>(&self, read: impl Fn(&mut Fields<'i>) -> T) -> Vec<T> {
        self.records(0, read).map(|(_, record)| record).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    #[test]
    fn unwritten_records_are_not_read() {
        const STRIDE: usize = 16;
        const CLAIMED: u32 = 200_000_000;
        // A table of gigabytes that claims many records, of which two were written.
        let mut memory = memmap2::MmapOptions::new();
        let mut memory = memory.len(4 << 30).no_reserve_swap().map_anon().expect("address space");
        memory[..4].copy_from_slice(&CLAIMED.to_le_bytes());
        let far = 150_000_000;
        for place in [1, far] {
            memory[16 + place * STRIDE] = 7;
        }
        let extents = Extents::new(vec![0..64, 16 + far * STRIDE..16 + far * STRIDE + 1]);
        let reads = Cell::new(0);
        let table = Table {
            bytes: &memory,
            extents: &extents,
            rule: Rule { big_endian: false, pointer: 8, long: 8 },
            place: Place { offset: 0, stride: STRIDE, capacity: CLAIMED as usize },
            align: 16,
            own: 0,
        };
        let records = table.records(2, |from| {
            reads.set(reads.get() + 1);
            from.u8()
        });
        let used: Vec<(u32, u8)> = records.filter(|(_, byte)| *byte != 0).collect();
        assert_eq!(used, [(3, 7), (far as u32 + 2, 7)]);
        assert_eq!(reads.get(), 4, "three in the first piece, one in the second");
    }
}
