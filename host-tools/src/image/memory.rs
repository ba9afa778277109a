//! Reads the image as the target's compiler laid it out: fields in order, each at a multiple of its
//! alignment.

/// Widths and byte order of the target.
#[derive(Clone, Copy)]
pub(super) struct Rule {
    pub(super) big_endian: bool,
    /// Bytes of a pointer.
    pub(super) pointer: usize,
    /// The alignment of 64-bit integers.
    pub(super) long: usize,
}

impl Rule {
    /// `word` as a signed number of a pointer's width.
    pub(super) fn signed(self, word: u64) -> i64 {
        if self.pointer == 4 { i64::from(word as u32 as i32) } else { word as i64 }
    }
}

/// The bytes of an image. Bytes beyond the end read as zero.
#[derive(Clone, Copy)]
pub(super) struct Memory<'i> {
    pub(super) bytes: &'i [u8],
    pub(super) big_endian: bool,
}

impl<'i> Memory<'i> {
    fn get<const N: usize>(&self, at: usize) -> [u8; N] {
        let found = self.bytes.get(at..).and_then(|bytes| bytes.first_chunk::<N>());
        let mut bytes = found.copied().unwrap_or([0; N]);
        if self.big_endian {
            bytes.reverse();
        }
        bytes
    }

    pub(super) fn u32(&self, at: usize) -> u32 {
        u32::from_le_bytes(self.get(at))
    }
}

/// Reads the fields of a record in order.
pub(super) struct Fields<'i> {
    memory: Memory<'i>,
    rule: Rule,
    at: usize,
}

impl<'i> Fields<'i> {
    /// Starts at offset `at`.
    pub(super) fn new(bytes: &'i [u8], rule: Rule, at: usize) -> Self {
        Fields { memory: Memory { bytes, big_endian: rule.big_endian }, rule, at }
    }

    pub(super) fn rule(&self) -> Rule {
        self.rule
    }

    pub(super) fn at(&self) -> usize {
        self.at
    }

    /// Advances to a multiple of `align`.
    pub(super) fn align(&mut self, align: usize) {
        self.at = self.at.next_multiple_of(align);
    }

    fn take(&mut self, size: usize, align: usize) -> usize {
        self.align(align);
        let at = self.at;
        self.at += size;
        at
    }

    pub(super) fn u8(&mut self) -> u8 {
        let [byte] = self.memory.get(self.at);
        self.at += 1;
        byte
    }

    pub(super) fn u16(&mut self) -> u16 {
        let at = self.take(2, 2);
        u16::from_le_bytes(self.memory.get(at))
    }

    pub(super) fn u32(&mut self) -> u32 {
        let at = self.take(4, 4);
        self.memory.u32(at)
    }

    /// A 64-bit integer.
    pub(super) fn long(&mut self) -> u64 {
        let at = self.take(8, self.rule.long);
        u64::from_le_bytes(self.memory.get(at))
    }

    /// An integer of pointer width.
    pub(super) fn word(&mut self) -> u64 {
        if self.rule.pointer == 4 {
            return self.u32().into();
        }
        let at = self.take(8, 8);
        u64::from_le_bytes(self.memory.get(at))
    }

    /// A 64-bit total. 32-bit targets have no atomic 64-bit integers: they store the low half, then the high
    /// half.
    pub(super) fn counter(&mut self) -> u64 {
        if self.rule.pointer == 8 {
            return self.word();
        }
        let (low, high) = (self.u32(), self.u32());
        u64::from(high) << 32 | u64::from(low)
    }

    /// Bytes without alignment or byte order.
    pub(super) fn bytes<const N: usize>(&mut self) -> [u8; N] {
        let at = self.take(N, 1);
        let found = self.memory.bytes.get(at..).and_then(|bytes| bytes.first_chunk::<N>());
        found.copied().unwrap_or([0; N])
    }

    /// Text that is stored in words, the lowest byte of each word first on every target.
    pub(super) fn text(&mut self, words: usize) -> Vec<u8> {
        (0..words).flat_map(|_| self.u32().to_le_bytes()).collect()
    }
}
