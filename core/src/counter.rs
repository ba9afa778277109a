//! A 64-bit total on every target.
//!
//! **Problem.** A microcontroller has no 64-bit atomics, and a total of 32 bits wraps after 4 GiB.
//!
//! **Idea.** There, a total is two words: whoever makes the low one wrap adds the carry to the high one.

use crate::sync::*;

/// A total that only grows. All-zero is its start.
#[repr(C)]
#[derive(Default)]
pub(crate) struct Counter {
    #[cfg(target_pointer_width = "64")]
    value: AtomicU64,
    #[cfg(not(target_pointer_width = "64"))]
    low: AtomicU32,
    #[cfg(not(target_pointer_width = "64"))]
    high: AtomicU32,
}

#[cfg(target_pointer_width = "64")]
impl Counter {
    /// The total so far.
    #[inline]
    pub(crate) fn get(&self) -> u64 {
        self.value.load(Relaxed)
    }

    /// Makes it `value`.
    #[inline]
    pub(crate) fn set(&self, value: u64) {
        self.value.store(value, Relaxed);
    }

    /// Adds. Only one thread may ever do so: there is no locked instruction.
    #[inline]
    pub(crate) fn add_owned(&self, n: usize) {
        self.value.store(self.value.load(Relaxed).wrapping_add(n as u64), Relaxed);
    }

    /// Adds; any number of threads may do so.
    #[inline]
    pub(crate) fn add_shared(&self, n: usize) {
        self.value.fetch_add(n as u64, Relaxed);
    }
}

#[cfg(not(target_pointer_width = "64"))]
impl Counter {
    /// The total so far. Reads again, a few times at most, while another thread adds a carry.
    #[inline]
    pub(crate) fn get(&self) -> u64 {
        let mut high = self.high.load(Acquire);
        for _ in 0..4 {
            let low = self.low.load(Acquire);
            let again = self.high.load(Acquire);
            if again == high {
                return u64::from(high) << 32 | u64::from(low);
            }
            high = again;
        }
        u64::from(high) << 32
    }

    /// Makes it `value`. A reader at the same time may see half of it.
    #[inline]
    pub(crate) fn set(&self, value: u64) {
        self.high.store((value >> 32) as u32, Release);
        self.low.store(value as u32, Release);
    }

    /// Adds. Only one thread may ever do so: there is no locked instruction.
    #[inline]
    pub(crate) fn add_owned(&self, n: usize) {
        let (low, carry) = self.low.load(Relaxed).overflowing_add(n as u32);
        self.low.store(low, Relaxed);
        if carry {
            self.carry();
        }
    }

    /// Not inlined: it happens once in four thousand million additions.
    #[cold]
    #[inline(never)]
    fn carry(&self) {
        self.high.store(self.high.load(Relaxed).wrapping_add(1), Release);
    }

    /// Adds; any number of threads may do so. Not inlined: it is rare on a microcontroller, and flash is dear.
    #[inline(never)]
    pub(crate) fn add_shared(&self, n: usize) {
        let before = self.low.fetch_add(n as u32, AcqRel);
        if before.checked_add(n as u32).is_none() {
            self.high.fetch_add(1, Release);
        }
    }
}

/// Adds to a word that only this thread writes, modulo its width.
#[inline]
pub(crate) fn add_owned(word: &AtomicUsize, n: usize) {
    word.store(word.load(Relaxed).wrapping_add(n), Relaxed);
}

/// Adds to a 32-bit word that only this thread writes, modulo 2³².
#[inline]
pub(crate) fn add_owned32(word: &AtomicU32, n: u32) {
    word.store(word.load(Relaxed).wrapping_add(n), Relaxed);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn carries_past_32_bits() {
        let counter = Counter::default();
        for _ in 0..5 {
            counter.add_owned(0xf000_0000);
            counter.add_shared(1);
        }
        assert_eq!(counter.get(), 5 * 0xf000_0001);
    }
}
