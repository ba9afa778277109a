//! Pages of memory that serve as an array of bits. All-zero is an array of clear bits.

use crate::Error;
use crate::os::pages::Pages;
use crate::sync::*;

const BITS: usize = usize::BITS as usize;

#[derive(Clone, Copy)]
pub(super) struct Bits(pub(super) Pages);

impl Bits {
    /// So many clear bits, or a few more.
    pub(super) fn new(count: usize) -> Result<Bits, Error> {
        Pages::new(count.div_ceil(8), 0).map(Bits)
    }

    /// The word with a bit, and the bit's mask; `None` beyond the end.
    fn place(self, number: usize) -> Option<(&'static AtomicUsize, usize)> {
        Some((self.0.words().get(number / BITS)?, 1 << (number % BITS)))
    }

    /// Whether a bit is set. False beyond the end.
    pub(super) fn is_set(self, number: usize) -> bool {
        self.place(number).is_some_and(|(word, bit)| word.load(Acquire) & bit != 0)
    }

    /// Sets a bit. Does nothing beyond the end.
    pub(super) fn set(self, number: usize) {
        if let Some((word, bit)) = self.place(number) {
            word.fetch_or(bit, Release);
        }
    }

    /// Clears all bits.
    pub(super) fn clear(self) {
        self.0.words().iter().for_each(|word| word.store(0, Relaxed));
    }
}
