//! The index table (EHABI §5, §9): sorted pairs of a function's address and its unwind instructions, or the address of
//! these.

/// The program's tables. One function reads words, so that tests can make tables of their own.
#[derive(Clone, Copy)]
pub(super) struct Tables<'t> {
    /// The index: its first address, and its words.
    pub(super) start: u32,
    pub(super) index: &'t [[u32; 2]],
    /// The word at an address of `.ARM.extab`.
    pub(super) word: fn(u32) -> u32,
}

/// The entry of a function.
#[derive(Clone, Copy, Debug)]
pub(super) enum Entry {
    CannotUnwind,
    Instructions(Instructions),
}

const CANNOT_UNWIND: u32 = 1;
const INLINE: u32 = 1 << 31;

#[cfg(target_arch = "arm")]
unsafe extern "C" {
    static __exidx_start: [u32; 2];
    static __exidx_end: [u32; 2];
}

impl Tables<'static> {
    /// The tables between the linker's symbols.
    #[cfg(target_arch = "arm")]
    pub(super) fn of_program() -> Self {
        let (start, end) = (&raw const __exidx_start, &raw const __exidx_end);
        let length = (end as usize - start as usize) / size_of::<[u32; 2]>();
        // SAFETY: the linker put the whole table, which is never written, between the two symbols.
        let index = unsafe { core::slice::from_raw_parts(start, length) };
        // SAFETY: only addresses that an entry of the index names are read: the linker computed them.
        Tables { start: start as u32, index, word: |at| unsafe { (at as *const u32).read() } }
    }
}

impl Tables<'_> {
    /// The function of `pc`: its first address and its entry. The last function has no end: an address behind the code gets
    /// its entry.
    pub(super) fn find(&self, pc: u32) -> Option<(u32, Entry)> {
        let at = |i: usize| self.start.wrapping_add(8 * i as u32);
        let function = |i: usize| prel31(at(i), self.index[i][0]);
        let (mut low, mut high) = (0, self.index.len());
        while low < high {
            let middle = usize::midpoint(low, high);
            if function(middle) <= pc {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        let i = low.checked_sub(1)?;
        let entry = match self.index[i][1] {
            CANNOT_UNWIND => Entry::CannotUnwind,
            word if word & INLINE != 0 => {
                Entry::Instructions(Instructions::compact(word, at(i) + 8, self.word)?)
            }
            word => {
                let place = prel31(at(i) + 4, word);
                Entry::Instructions(Instructions::outside(place, self.word)?)
            }
        };
        Some((function(i), entry))
    }
}

/// An address that is given by 31 bits relative to their own address.
fn prel31(place: u32, word: u32) -> u32 {
    place.wrapping_add(((word << 1) as i32 >> 1) as u32)
}

/// Instructions: the remaining bytes of one word, most significant first, then whole words.
#[derive(Clone, Copy, Debug)]
pub(super) struct Instructions {
    word: u32,
    bytes: u32,
    next: u32,
    words: u32,
    read: fn(u32) -> u32,
}

impl Instructions {
    fn new(word: u32, bytes: u32, next: u32, words: u32, read: fn(u32) -> u32) -> Self {
        Instructions { word, bytes, next, words, read }
    }

    /// The compact model: the personality's number is in bits 24 to 27.
    fn compact(word: u32, next: u32, read: fn(u32) -> u32) -> Option<Self> {
        match word >> 24 & 0x7f {
            0 => Some(Self::new(word, 3, next, 0, read)),
            1 | 2 => Some(Self::new(word, 2, next, word >> 16 & 0xff, read)),
            _ => None,
        }
    }

    /// An entry of `.ARM.extab`: the compact model, or a personality routine of the language, by convention followed by its
    /// instructions.
    fn outside(place: u32, read: fn(u32) -> u32) -> Option<Self> {
        let word = read(place);
        if word & INLINE != 0 {
            return Self::compact(word, place + 4, read);
        }
        let word = read(place + 4);
        Some(Self::new(word, 3, place + 8, word >> 24, read))
    }
}

impl Iterator for Instructions {
    type Item = u8;

    fn next(&mut self) -> Option<u8> {
        if self.bytes == 0 {
            self.words = self.words.checked_sub(1)?;
            self.word = (self.read)(self.next);
            self.next = self.next.wrapping_add(4);
            self.bytes = 4;
        }
        self.bytes -= 1;
        Some((self.word >> (8 * self.bytes)) as u8)
    }
}
