//! The records of each table that are in use and within the file.

use memtrack_format::Node as DumpNode;
use memtrack_format::image::header::{Header, Table as Number};
use memtrack_format::image::key::{FIRST_NAME, FIRST_NODE, SHARED_CELLS, SHARED_SLOTS, UNUSED_NODES};
use memtrack_format::image::records::{Account, Active, Credit, Head, Node, Point, Slot, Stage, Tag};
use memtrack_format::image::{Counts, Fields, Memory, Value};

use super::header::CREDIT;
use crate::extents::Extents;

/// The content of all tables.
pub(super) struct Tables {
    pub(super) head: Head,
    pub(super) credit: Credit,
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

impl Tables {
    pub(super) fn read(header: &Header, bytes: &[u8], extents: &Extents) -> Tables {
        let memory = Memory { bytes, machine: header.machine };
        let table = |number| Table::new(header, memory, extents, number);
        let (slots, nodes, cells) = (table(Number::Slots), table(Number::Nodes), table(Number::Cells));
        let mut strays = 0;
        let stacks = nodes.records::<Node>(FIRST_NODE, 0).filter(|(_, node)| node.address != 0);
        let stacks = stacks.map(|(id, node)| {
            let known = node.parent < id;
            strays += usize::from(!known);
            (id, Node { parent: if known { node.parent } else { DumpNode::CUT }, ..node })
        });
        let stacks = stacks.collect();
        let fields = |at| Fields::new(memory, header.counts, at);
        Tables {
            head: fields(header.marks.into()).get::<Head>(),
            credit: fields(CREDIT).get::<Credit>(),
            slots: slots
                .records::<Slot>(0, SHARED_SLOTS)
                .filter(|(id, slot)| *id >= SHARED_SLOTS || !is_unused(&slot.account))
                .collect(),
            nodes: stacks,
            strays,
            cells: cells
                .records::<Account>(0, SHARED_CELLS)
                .filter(|(_, account)| !is_unused(account))
                .collect(),
            tags: table(Number::Tags).records::<Tag>(FIRST_NAME, 0).collect(),
            heaps: table(Number::Heaps).records::<Tag>(FIRST_NAME, 0).collect(),
            finished: table(Number::Finished).all::<Stage>(),
            active: table(Number::Active).all::<Active>(),
            timeline: table(Number::Points).all::<Point>(),
            use_of_nodes: nodes.usage(UNUSED_NODES),
            use_of_cells: cells.usage(SHARED_CELLS),
            use_of_slots: slots.usage(SHARED_SLOTS),
        }
    }
}

/// Whether nothing was ever counted there.
fn is_unused(account: &Account) -> bool {
    account.allocs == 0 && account.remote.blocks == 0
}

/// A table in the image: the number of its records, then the records.
#[derive(Clone, Copy)]
struct Table<'i> {
    memory: Memory<'i>,
    counts: Counts,
    extents: &'i Extents,
    offset: usize,
    stride: usize,
    capacity: usize,
}

impl<'i> Table<'i> {
    fn new(header: &Header, memory: Memory<'i>, extents: &'i Extents, number: Number) -> Table<'i> {
        let place = header.places[number as usize];
        let (stride, capacity) = (place.stride as usize, place.capacity as usize);
        Table { memory, counts: header.counts, extents, offset: header.offset(number), stride, capacity }
    }

    fn used(&self) -> usize {
        self.memory.u32(self.offset) as usize
    }

    /// The table never gives out `reserved` of its records. Its number may be above its capacity for a
    /// moment, when a thread has just found it full.
    fn usage(&self, reserved: u32) -> Use {
        let capacity = self.capacity.saturating_sub(reserved as usize);
        let number = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        Use { used: number(self.used().min(capacity)), capacity: number(capacity) }
    }

    /// The records in use, with ids from `first` on. `own` records at the start are always in use, and the table's number does
    /// not count them. A record without one byte in the file was never written: it is skipped, whatever number of records the
    /// table claims.
    fn records<R: Value>(&self, first: u32, own: u32) -> impl Iterator<Item = (u32, R::Read)> {
        let (table, stride) = (*self, self.stride);
        let begin = (table.offset + 4).next_multiple_of(R::SHAPE.align(&table.memory.machine));
        let there = table.memory.bytes.len().saturating_sub(begin).checked_div(stride).unwrap_or(0);
        let used = table.used().saturating_add(own as usize).min(table.capacity).min(there);
        // The first record from one on that has a byte in the file.
        let written = move |number: usize| {
            let data = table.extents.next(begin + number * stride)?;
            Some((data - begin) / stride).filter(|&number| number < used)
        };
        let numbers = std::iter::successors(written(0), move |&number| written(number + 1));
        numbers.map(move |number| {
            let record = Fields::new(table.memory, table.counts, begin + number * stride).get::<R>();
            (first.saturating_add(u32::try_from(number).unwrap_or(u32::MAX)), record)
        })
    }

    /// The records in use in their order, without ids.
    fn all<R: Value>(&self) -> Vec<R::Read> {
        self.records::<R>(0, 0).map(|(_, record)| record).collect()
    }
}

#[cfg(test)]
mod tests {
    use memtrack_format::image::Machine;

    use super::*;

    #[test]
    fn unwritten_records_are_not_read() {
        // Records begin at the next multiple of their alignment behind their number: 8.
        const STRIDE: usize = 16;
        const CLAIMED: u32 = 200_000_000;
        // A table of gigabytes in which two records were written, and its number of records.
        let mut memory = memmap2::MmapOptions::new();
        let mut memory = memory.len(4 << 30).no_reserve_swap().map_anon().expect("address space");
        memory[..4].copy_from_slice(&CLAIMED.to_le_bytes());
        let far = 150_000_000;
        for place in [1, far] {
            memory[8 + place * STRIDE] = 7;
        }
        let extents = Extents::new(vec![0..64, 8 + far * STRIDE..8 + far * STRIDE + 1]);
        let table = Table {
            memory: Memory { bytes: &memory, machine: Machine { big_endian: false, pointer: 8, long: 8 } },
            counts: Counts { causes: 0, classes: 0, top_threads: 0, slots: 0 },
            extents: &extents,
            offset: 0,
            stride: STRIDE,
            capacity: CLAIMED as usize,
        };
        let read: Vec<(u32, u64)> =
            table.records::<Node>(2, 0).map(|(id, node)| (id, node.address)).collect();
        assert_eq!(read, [(2, 0), (3, 7), (4, 0), (5, 0), (far as u32 + 2, 7)], "two pieces");
    }
}
