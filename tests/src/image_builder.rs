//! An independent writer of memory images, written from `docs/wire-format.md` alone, for either pointer width and
//! byte order.

/// The memory layout of a target.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// Bytes of a pointer.
    pub pointer: usize,
    /// Alignment of 64-bit integers.
    pub long: usize,
    /// Byte order.
    pub big_endian: bool,
}

/// An image under construction.
struct Memory {
    target: Target,
    bytes: Vec<u8>,
}

impl Memory {
    fn align(&mut self, align: usize) {
        self.bytes.resize(self.bytes.len().next_multiple_of(align), 0);
    }

    fn number(&mut self, value: u64, size: usize, align: usize) {
        self.align(align);
        let little = &value.to_le_bytes()[..size];
        match self.target.big_endian {
            true => self.bytes.extend(little.iter().rev()),
            false => self.bytes.extend(little),
        }
    }

    fn u32(&mut self, value: u32) {
        self.number(value.into(), 4, 4);
    }

    fn u64(&mut self, value: u64) {
        self.number(value, 8, self.target.long);
    }

    fn word(&mut self, value: u64) {
        self.number(value, self.target.pointer, self.target.pointer);
    }

    fn total(&mut self, value: u64) {
        if self.target.pointer == 8 {
            self.number(value, 8, 8);
        } else {
            self.u32(value as u32);
            self.u32((value >> 32) as u32);
        }
    }

    fn high(&mut self, bytes: u64, blocks: u32) {
        self.word(bytes);
        self.u32(blocks);
        self.align(self.target.pointer);
    }

    fn text(&mut self, text: &[u8], words: usize) {
        let mut bytes = text.to_vec();
        bytes.resize(4 * words, 0);
        for word in bytes.chunks(4) {
            self.u32(u32::from_le_bytes([word[0], word[1], word[2], word[3]]));
        }
    }

    /// An account with `allocs` allocations of 100 bytes, one of which another thread freed. At the peak it held
    /// `held` blocks.
    fn account(&mut self, labels: [u32; 2], allocs: u32, held: u32) {
        let part = |memory: &mut Self, blocks: u32, held: u32, label: u32| {
            memory.word(8);
            memory.word(u64::from(blocks) * 100);
            memory.word(u64::from(held) * 100);
            memory.word(0);
            [blocks, held, 0, label].into_iter().for_each(|value| memory.u32(value));
        };
        part(self, allocs - 1, held, labels[0]);
        self.total(u64::from(allocs));
        // More than 32 bits can hold.
        self.total(u64::from(allocs) * 100 + (5 << 32));
        part(self, 1, 0, labels[1]);
        self.total(1);
        self.total(0);
    }

    fn line(&self) -> usize {
        if self.target.pointer == 8 { 64 } else { 4 }
    }
}

/// The place of a table: offset, stride, capacity.
type Place = [usize; 3];

/// An image of a thread called `main` with 10 allocations under the tag `job`: 8 blocks are live, 6 were live at the
/// peak. It has a finished stage `load`, a running stage `serve`, a point of the timeline, and two losses.
#[must_use]
pub fn image(target: Target) -> Vec<u8> {
    let group = target.long.max(target.pointer);
    let mut memory = Memory { target, bytes: vec![0; 36 * 4] };
    let marks = head(&mut memory);
    let line = memory.line();
    let slots = table(&mut memory, [0, line], 4, [1, 3], |memory| {
        (0..2).for_each(|_| slot(memory, false));
        slot(memory, true);
    });
    let nodes = table(&mut memory, [0, target.pointer], 8, [2, 2], |memory| {
        for (address, parent) in [(0x1000, 0), (0x1040, 2)] {
            memory.word(address);
            memory.u32(parent);
            memory.align(target.pointer);
        }
    });
    let cells = table(&mut memory, [0, line], 4, [1, 2], |memory| {
        memory.bytes.resize(memory.bytes.len() + if target.pointer == 8 { 128 } else { 96 }, 0);
        memory.account([2 | 1 << 16, 3], 10, 6);
    });
    let tag = |memory: &mut Memory| {
        memory.u32(0);
        memory.text(b"\x03job", 12);
    };
    let tags = table(&mut memory, [0, 4], 2, [1, 1], tag);
    let heaps = table(&mut memory, [0, 4], 2, [0, 1], tag);
    memory.align(group);
    let base = memory.bytes.len();
    let finished = table(&mut memory, [base, group], 2, [1, 1], finished_stage);
    let active = table(&mut memory, [base, group], 2, [1, 1], active_stage);
    let timeline = table(&mut memory, [base, group], 2, [1, 1], |memory| {
        memory.u64(7_000);
        memory.word(900);
        memory.word(800);
        memory.align(group);
    });
    let places = [slots, nodes, cells, tags, heaps, finished, active, timeline];
    header(memory, base, marks, &places)
}

fn header(mut memory: Memory, base: usize, marks: usize, places: &[Place; 8]) -> Vec<u8> {
    memory.align(64);
    let size = memory.bytes.len() as u32;
    let target = memory.target;
    let mut header = Memory { target, bytes: Vec::new() };
    header.u32(0x4954_4D89);
    header.u32(1 | (target.pointer as u32) << 16 | (target.long as u32) << 24);
    // x86_64, Linux, three causes of losses, two size classes.
    header.u32(1 | 1 << 8 | 3 << 16 | 2 << 24);
    header.u32(size);
    header.u32(24 | 2 << 24);
    header.text(b"by hand", 4);
    [base, base, marks].into_iter().for_each(|value| header.u32(value as u32));
    places.iter().flatten().for_each(|&value| header.u32(value as u32));
    memory.bytes[..header.bytes.len()].copy_from_slice(&header.bytes);
    memory.bytes
}

/// The head behind the header: no mark is set and the epoch is 8. Returns the word by which the header locates it.
fn head(memory: &mut Memory) -> usize {
    // The credit. Its error is 3 + 10 for the thread.
    memory.word(100);
    [0, 1].into_iter().for_each(|value| memory.u32(value));
    [3, 10].into_iter().for_each(|value| memory.word(value));
    // A word that only the tracker uses.
    memory.word(77);
    let marks = memory.bytes.len();
    // The state; the epoch in which live fell from each peak; generation; reset.
    [8, 8, 8, 1, 0].into_iter().for_each(|value| memory.word(value));
    // The peak of the stage; the peak of the program before it.
    [900, 950].into_iter().for_each(|value| memory.word(value));
    // Times of the peaks, losses, failures, start, start as Unix time.
    [5_000, 6_000, 2, 0, 4, 11, 123, 1_700_000_000_000_000_000]
        .into_iter()
        .for_each(|value| memory.total(value));
    let snapshots = memory.bytes.len();
    memory.u32(9);
    marks | (snapshots - marks) << 16
}

/// Lays out a table of which `used` records are in use. `write` writes the first `written` records, including some
/// beyond `used`.
fn table(
    memory: &mut Memory,
    begin: [usize; 2],
    capacity: usize,
    [used, written]: [u32; 2],
    write: impl FnOnce(&mut Memory),
) -> Place {
    let [base, align] = begin;
    memory.align(align);
    let begin = memory.bytes.len();
    memory.u32(used);
    memory.align(align);
    let first = memory.bytes.len();
    write(memory);
    let stride = (memory.bytes.len() - first) / written as usize;
    memory.bytes.resize(first + stride * capacity, 0);
    [begin - base, stride, capacity]
}

fn slot(memory: &mut Memory, used: bool) {
    let line = memory.line();
    let unused = |memory: &mut Memory, account: usize| memory.bytes.resize(memory.bytes.len() + account, 0);
    if used {
        memory.account([0, 0], 10, 6);
    } else {
        unused(memory, if line == 64 { 128 } else { 96 });
    }
    let peak = u64::from(used) * 950;
    memory.high(0, 0);
    memory.word(0x1234);
    memory.word(u64::from(used));
    memory.word(0x5678);
    memory.high(peak - u64::from(used) * 100, 8);
    memory.high(peak, 9);
    (0..2).for_each(|_| memory.high(0, 0));
    for _ in 0..2 {
        memory.word(0);
        memory.high(0, 0);
    }
    memory.total(4711);
    memory.u32(0);
    memory.u32(1);
    memory.text(b"main", 4);
    [0, 0, 10, 1000].into_iter().for_each(|value| memory.total(if used { value } else { 0 }));
    memory.align(line);
}

fn peak(memory: &mut Memory, bytes: u64) {
    let group = memory.target.long.max(memory.target.pointer);
    memory.align(group);
    memory.word(bytes);
    memory.word(4);
    memory.u64(3_000);
    memory.align(group);
}

fn finished_stage(memory: &mut Memory) {
    let mut name = b"\x04load".to_vec();
    name.resize(48, 0);
    memory.bytes.extend(name);
    memory.u32(0);
    memory.u32(1);
    memory.number(0, 1, 1);
    [2, 500, 1_000, 2_000, 20, 2_000, 0].into_iter().for_each(|value| memory.u64(value));
    [10, 20].into_iter().for_each(|value| memory.word(value));
    peak(memory, 400);
    memory.u32(1);
    memory.align(memory.target.pointer);
    for (thread, bytes) in [(2, 333), (0, 0)] {
        memory.number(thread, 2, 2);
        memory.word(bytes);
    }
    memory.align(memory.target.long.max(memory.target.pointer));
}

fn active_stage(memory: &mut Memory) {
    let group = memory.target.long.max(memory.target.pointer);
    memory.u64(2);
    let mut name = b"\x05serve".to_vec();
    name.resize(48, 0);
    memory.bytes.extend(name);
    memory.u32(0);
    memory.align(group);
    [6_500, 4, 400].into_iter().for_each(|value| memory.u64(value));
    memory.word(300);
    memory.u64(1);
    memory.align(group);
    peak(memory, 901);
    [0, 0, 5, 0].into_iter().for_each(|value| memory.word(value));
    memory.align(group);
}
