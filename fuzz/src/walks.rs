//! Input for stack walks. A walk uses real addresses, which differ in each run, so the input has them
//! relative to the start of a stack or table.

/// Reads numbers from the start of the input.
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

/// The places of table and stacks in memory.
pub struct Bases {
    /// The unwind table. The address of code is relative to it, and may be before it.
    pub table: usize,
    /// Address and length in words of each of the two stacks.
    pub stacks: [(usize, usize); 2],
}

impl Bases {
    /// Translates a word of the input to an address. Its highest byte selects the base. Relative to a stack,
    /// it has a number of words and a number of bytes in a word. For any length of the stack, the address is
    /// between two words below and two words above it.
    pub fn word(&self, word: u64) -> usize {
        const BEYOND: usize = 2;
        match word >> 56 {
            1 => self.table.wrapping_add_signed(word as i32 as isize),
            stack @ (2 | 3) => {
                let (base, length) = self.stacks[stack as usize - 2];
                let place = usize::from(word as u16) % (length + 2 * BEYOND);
                let bytes = 8 * place + (word >> 16 & 7) as usize;
                // An empty stack may be at any address, so this may wrap.
                base.wrapping_add(bytes).wrapping_sub(8 * BEYOND)
            }
            _ => word as usize,
        }
    }
}
