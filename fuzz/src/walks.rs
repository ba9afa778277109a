//! Stacks for walks that use real addresses, which differ from run to run: input says them from the begin of a stack or table.

/// Takes numbers from the front of the input.
pub struct Input<'i>(pub &'i [u8]);

impl<'i> Input<'i> {
    /// A byte.
    pub fn byte(&mut self) -> Option<u8> {
        self.bytes().map(u8::from_le_bytes)
    }

    /// Four bytes.
    pub fn u32(&mut self) -> Option<u32> {
        self.bytes().map(u32::from_le_bytes)
    }

    /// Eight bytes.
    pub fn u64(&mut self) -> Option<u64> {
        self.bytes().map(u64::from_le_bytes)
    }

    fn bytes<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (first, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*first)
    }
}

/// Where the parts of a walk lie in memory.
pub struct Bases {
    /// The unwind table. Code is told by its distance, which may be negative.
    pub table: usize,
    /// Each of the two stacks.
    pub stacks: [usize; 2],
}

impl Bases {
    /// What a word of the input means: its highest byte says from where it counts.
    pub fn word(&self, word: u64) -> usize {
        match word >> 56 {
            1 => self.table.wrapping_add_signed(word as i32 as isize),
            stack @ (2 | 3) => self.stacks[stack as usize - 2].wrapping_add_signed(word as i16 as isize),
            _ => word as usize,
        }
    }
}
