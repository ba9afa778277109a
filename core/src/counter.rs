//! A 64-bit total on every target. Where the processor has no 64-bit atomics it is two words with a carry, so
//! that a microcontroller's totals don't wrap after 4 GiB.

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

    /// Adds, when this thread is the only one that ever does: no locked instruction.
    #[inline]
    pub(crate) fn add_owned(&self, n: usize) {
        self.value.store(self.value.load(Relaxed).wrapping_add(n as u64), Relaxed);
    }

    /// Adds, whoever else does.
    #[inline]
    pub(crate) fn add_shared(&self, n: usize) {
        self.value.fetch_add(n as u64, Relaxed);
    }
}

#[cfg(not(target_pointer_width = "64"))]
impl Counter {
    /// The total so far. Read again while a carry is under way, a few times at most.
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

    /// Makes it `value`. A reader at the same moment may see half of it.
    #[inline]
    pub(crate) fn set(&self, value: u64) {
        self.high.store((value >> 32) as u32, Release);
        self.low.store(value as u32, Release);
    }

    /// Adds, when this thread is the only one that ever does: no locked instruction.
    #[inline]
    pub(crate) fn add_owned(&self, n: usize) {
        let (low, carry) = self.low.load(Relaxed).overflowing_add(n as u32);
        self.low.store(low, Relaxed);
        if carry {
            self.carry();
        }
    }

    /// Out of the way of the other four thousand million additions.
    #[cold]
    #[inline(never)]
    fn carry(&self) {
        self.high.store(self.high.load(Relaxed).wrapping_add(1), Release);
    }

    /// Adds, whoever else does. Rare on a microcontroller, so once in its flash.
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
