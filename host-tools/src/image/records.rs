//! The fields of each kind of record, in the order in which they lie in the tables.

use super::header::Header;
use super::memory::Fields;

/// Bytes and blocks. Both wrap at the width that the target uses.
#[derive(Clone, Copy, Default)]
pub(super) struct Held {
    pub(super) bytes: u64,
    pub(super) blocks: u32,
}

impl Held {
    fn read(from: &mut Fields<'_>) -> Held {
        let held = Held { bytes: from.word(), blocks: from.u32() };
        from.align(from.rule().pointer);
        held
    }
}

/// The live figures of one side of an account (its own or the remote one), with their copies at the two
/// marks.
#[derive(Default)]
pub(super) struct Part {
    pub(super) epoch: u64,
    pub(super) live: Held,
    pub(super) held: [Held; 2],
    pub(super) label: u32,
}

impl Part {
    fn read(from: &mut Fields<'_>) -> Part {
        let (epoch, bytes) = (from.word(), from.word());
        let held = [from.word(), from.word()];
        let blocks = from.u32();
        let held_blocks = [from.u32(), from.u32()];
        let label = from.u32();
        from.align(from.rule().pointer);
        let held = [0, 1].map(|mark| Held { bytes: held[mark], blocks: held_blocks[mark] });
        Part { epoch, live: Held { bytes, blocks }, held, label }
    }
}

/// The counters of a cell or a thread.
#[derive(Default)]
pub(super) struct Account {
    pub(super) own: Part,
    pub(super) remote: Part,
    pub(super) allocs: u64,
    pub(super) bytes: u64,
    pub(super) temporary: u64,
    pub(super) reallocs: u64,
}

impl Account {
    pub(super) fn align(header: &Header) -> usize {
        if header.rule.pointer == 8 { 64 } else { 4 }
    }

    pub(super) fn read(from: &mut Fields<'_>) -> Account {
        let own = Part::read(from);
        let (allocs, bytes) = (from.counter(), from.counter());
        let remote = Part::read(from);
        Account { own, allocs, bytes, remote, temporary: from.counter(), reallocs: from.counter() }
    }

    pub(super) fn size(header: &Header) -> usize {
        measure(header, Self::align(header), |from| _ = Self::read(from))
    }

    pub(super) fn is_unused(&self) -> bool {
        self.allocs == 0 && self.remote.live.blocks == 0
    }
}

/// What other threads had freed when the peaks were re-based.
#[derive(Default)]
pub(super) struct Noted {
    pub(super) generation: u64,
    pub(super) freed: Held,
}

impl Noted {
    fn read(from: &mut Fields<'_>) -> Noted {
        Noted { generation: from.word(), freed: Held::read(from) }
    }
}

/// A thread slot.
#[derive(Default)]
pub(super) struct Slot {
    pub(super) account: Account,
    pub(super) generation: u64,
    pub(super) now: Held,
    pub(super) since_reset: Held,
    pub(super) since_stage: Held,
    pub(super) rebased: Noted,
    pub(super) reset: Noted,
    pub(super) os_id: u64,
    pub(super) state: u32,
    pub(super) count: u32,
    pub(super) name: Vec<u8>,
    /// Allocations and bytes by size class.
    pub(super) sizes: Vec<(u64, u64)>,
}

impl Slot {
    pub(super) fn read(header: &Header, from: &mut Fields<'_>) -> Slot {
        let account = Account::read(from);
        // No figure needs the next two fields: the share of the credit, and the last event's block.
        Held::read(from);
        from.word();
        let generation = from.word();
        // The bound up to which the own part can rise without raising the thread's peak.
        from.word();
        let (now, since_reset, since_stage) = (Held::read(from), Held::read(from), Held::read(from));
        // The peak of the thread's own innermost span.
        Held::read(from);
        let (rebased, reset) = (Noted::read(from), Noted::read(from));
        let os_id = from.counter();
        let (state, count) = (from.u32(), from.u32());
        let name = until_zero(from.text(4));
        let sizes = (0..header.classes).map(|_| (from.counter(), from.counter())).collect();
        Slot {
            account,
            generation,
            now,
            since_reset,
            since_stage,
            rebased,
            reset,
            os_id,
            state,
            count,
            name,
            sizes,
        }
    }

    pub(super) fn size(header: &Header) -> usize {
        measure(header, Account::align(header), |from| _ = Self::read(header, from))
    }
}

/// A stack node.
#[derive(Clone, Copy)]
pub(super) struct Node {
    pub(super) address: u64,
    pub(super) parent: u32,
}

impl Node {
    pub(super) fn read(from: &mut Fields<'_>) -> Node {
        Node { address: from.word(), parent: from.u32() }
    }

    pub(super) fn size(header: &Header) -> usize {
        measure(header, header.rule.pointer, |from| _ = Self::read(from))
    }
}

/// A tag or a heap: both have the same fields.
pub(super) struct Tag {
    pub(super) parent: u32,
    pub(super) name: Vec<u8>,
}

impl Tag {
    pub(super) fn read(from: &mut Fields<'_>) -> Tag {
        Tag { parent: from.u32(), name: with_length(&from.text(12)) }
    }

    pub(super) fn size(header: &Header) -> usize {
        measure(header, 4, |from| _ = Self::read(from))
    }
}

/// The size of the record whose fields `read` reads.
pub(super) fn measure(header: &Header, align: usize, read: impl FnOnce(&mut Fields<'_>)) -> usize {
    let mut fields = Fields::new(&[], header.rule, 0);
    read(&mut fields);
    fields.align(align);
    fields.at()
}

/// A name padded with zeros.
fn until_zero(mut bytes: Vec<u8>) -> Vec<u8> {
    bytes.truncate(bytes.iter().position(|&byte| byte == 0).unwrap_or(bytes.len()));
    bytes
}

/// A name behind a byte that holds its length.
pub(super) fn with_length(bytes: &[u8]) -> Vec<u8> {
    let Some((&length, name)) = bytes.split_first() else { return Vec::new() };
    name.get(..length.into()).unwrap_or_default().into()
}
