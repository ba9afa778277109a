//! Allocations by size: one class for each power of two.

use super::account::Booker;
use crate::counter::Counter;
use crate::limits::CLASSES;

/// Allocations and their bytes by class of size. All-zero is no blocks.
#[repr(C)]
pub(crate) struct Sizes([Class; CLASSES]);

/// Class 0 holds size 0, class k holds sizes of 2^(k−1) to 2^k − 1 bytes.
#[repr(C)]
#[derive(Default)]
struct Class {
    allocs: Counter,
    bytes: Counter,
}

impl Default for Sizes {
    fn default() -> Self {
        Sizes(core::array::from_fn(|_| Class::default()))
    }
}

impl Sizes {
    /// Counts an allocation.
    #[inline]
    pub(crate) fn add(&self, size: usize, by: Booker) {
        let Some(class) = self.class(size) else { return };
        match by {
            Booker::Owner => {
                class.allocs.add_owned(1);
                class.bytes.add_owned(size);
            }
            Booker::Anyone => {
                class.allocs.add_shared(1);
                class.bytes.add_shared(size);
            }
        }
    }

    /// The class of a size; `None` where there are no classes.
    #[inline(always)]
    fn class(&self, size: usize) -> Option<&Class> {
        // The added bit makes 0 no special case. It pushes the highest bit out, which no size has.
        let number = (usize::BITS - 1 - (size << 1 | 1).leading_zeros()) as usize;
        self.0.get(number.min(CLASSES.saturating_sub(1)))
    }

    /// Adds the allocation that is missing from a thread's totals: one that was abandoned in the middle. By the thread itself.
    #[cfg(feature = "std")]
    pub(crate) fn repair(&self, allocs: u64, bytes: u64) {
        let (known_allocs, known_bytes) =
            self.iter().fold((0u64, 0u64), |sum, class| (sum.0 + class.1, sum.1 + class.2));
        let (allocs, bytes) = (allocs.wrapping_sub(known_allocs), bytes.wrapping_sub(known_bytes));
        if let Some(class) = self.class(bytes as usize).filter(|_| (allocs, bytes) != (0, 0)) {
            class.allocs.add_owned(allocs as usize);
            class.bytes.add_owned(bytes as usize);
        }
    }

    /// The classes with allocations: number, allocations, bytes.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (u8, u64, u64)> {
        let all =
            self.0.iter().zip(0u8..).map(|(class, number)| (number, class.allocs.get(), class.bytes.get()));
        all.filter(|(_, allocs, _)| *allocs > 0)
    }
}

// The sizes of the test have up to 64 bits.
#[cfg(all(test, feature = "std", target_pointer_width = "64"))]
mod tests {
    use super::*;

    #[test]
    fn classes_end_before_powers_of_two() {
        let sizes = Sizes::default();
        for size in [0, 1, 2, 3, 4, 255, 256, 1 << 37, (1 << 38) - 1, 1 << 38, usize::MAX] {
            sizes.add(size, Booker::Owner);
        }
        sizes.add(200, Booker::Anyone);
        let told: Vec<_> = sizes.iter().map(|(class, allocs, _)| (class, allocs)).collect();
        assert_eq!(told, [(0, 1), (1, 1), (2, 2), (3, 1), (8, 2), (9, 1), (38, 2), (39, 2)]);
        assert_eq!(sizes.iter().find(|class| class.0 == 8), Some((8, 2, 455)));
    }
}
