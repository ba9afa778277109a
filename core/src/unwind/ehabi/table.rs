//! The index table (EHABI §5, §9): sorted pairs of a function's address and its unwind instructions, or the address of
//! these.

/// The tables of a module. A function reads words, so that tests can make tables of their own.
#[derive(Clone, Copy)]
pub(in crate::unwind) struct Tables<'t, W> {
    /// The index: its first address, and its words.
    pub(in crate::unwind) start: u32,
    pub(in crate::unwind) index: &'t [[u32; 2]],
    /// The word at an address of `.ARM.extab`; `None` where it cannot be read. Between two words that can be read all can.
    pub(in crate::unwind) word: W,
}

/// The entry of a function.
#[derive(Clone, Copy, Debug)]
pub(in crate::unwind) enum Entry<W> {
    CannotUnwind,
    Instructions(Instructions<W>),
}

const CANNOT_UNWIND: u32 = 1;
const INLINE: u32 = 1 << 31;

#[cfg(all(target_arch = "arm", not(feature = "std")))]
unsafe extern "C" {
    static __exidx_start: [u32; 2];
    static __exidx_end: [u32; 2];
}

#[cfg(all(target_arch = "arm", not(feature = "std")))]
impl Tables<'static, fn(u32) -> Option<u32>> {
    /// The tables between the linker's symbols.
    pub(super) fn of_program() -> Self {
        let (start, end) = (&raw const __exidx_start, &raw const __exidx_end);
        let length = (end as usize - start as usize) / size_of::<[u32; 2]>();
        // SAFETY: the linker put the whole table, which is never written, between the two symbols.
        let index = unsafe { core::slice::from_raw_parts(start, length) };
        // SAFETY: only addresses that an entry of the index names are read: the linker computed them.
        Tables { start: start as u32, index, word: |at| Some(unsafe { (at as *const u32).read() }) }
    }
}

impl<W: Fn(u32) -> Option<u32> + Copy> Tables<'_, W> {
    /// The function of `pc`: its first address and its entry. The last function has no end: an address behind the code gets
    /// its entry.
    pub(in crate::unwind) fn find(&self, pc: u32) -> Option<(u32, Entry<W>)> {
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
pub(in crate::unwind) struct Instructions<W> {
    word: u32,
    bytes: u32,
    next: u32,
    words: u32,
    read: W,
}

impl<W: Fn(u32) -> Option<u32>> Instructions<W> {
    /// `None` when the words behind the first one cannot be read.
    fn new(word: u32, bytes: u32, next: u32, words: u32, read: W) -> Option<Self> {
        if let Some(before_last) = words.checked_sub(1) {
            read(next)?;
            read(next.checked_add(4 * before_last)?)?;
        }
        Some(Instructions { word, bytes, next, words, read })
    }

    /// The compact model: the personality's number is in bits 24 to 27.
    fn compact(word: u32, next: u32, read: W) -> Option<Self> {
        match word >> 24 & 0x7f {
            0 => Self::new(word, 3, next, 0, read),
            1 | 2 => Self::new(word, 2, next, word >> 16 & 0xff, read),
            _ => None,
        }
    }

    /// An entry of `.ARM.extab`: the compact model, or a personality routine of the language, by convention followed by its
    /// instructions.
    fn outside(place: u32, read: W) -> Option<Self> {
        let word = read(place)?;
        if word & INLINE != 0 {
            return Self::compact(word, place.wrapping_add(4), read);
        }
        let word = read(place.wrapping_add(4))?;
        Self::new(word, 3, place.wrapping_add(8), word >> 24, read)
    }
}

impl<W: Fn(u32) -> Option<u32>> Iterator for Instructions<W> {
    type Item = u8;

    fn next(&mut self) -> Option<u8> {
        if self.bytes == 0 {
            self.words = self.words.checked_sub(1)?;
            self.word = (self.read)(self.next)?;
            self.next = self.next.wrapping_add(4);
            self.bytes = 4;
        }
        self.bytes -= 1;
        Some((self.word >> (8 * self.bytes)) as u8)
    }
}
