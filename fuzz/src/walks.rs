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
    /// Each of the two stacks, and its length in words.
    pub stacks: [(usize, usize); 2],
}

impl Bases {
    /// What a word of the input means: its highest byte says from where it counts. In a stack it counts words, from the second one
    /// below to the second one above, whatever the stack's length, and bytes in a word.
    pub fn word(&self, word: u64) -> usize {
        const BEYOND: usize = 2;
        match word >> 56 {
            1 => self.table.wrapping_add_signed(word as i32 as isize),
            stack @ (2 | 3) => {
                let (base, length) = self.stacks[stack as usize - 2];
                let place = usize::from(word as u16) % (length + 2 * BEYOND);
                let bytes = 8 * place + (word >> 16 & 7) as usize;
                // An empty stack begins anywhere.
                base.wrapping_add(bytes).wrapping_sub(8 * BEYOND)
            }
            _ => word as usize,
        }
    }
}
