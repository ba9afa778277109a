//! A histogram of block sizes, by powers of two.

use std::collections::BTreeMap;

use memtrack_format::SizeClass;

use crate::units::bytes;

/// The thread id of classes that cover the whole program.
const EVERYONE: u32 = u32::MAX;

/// Blocks of one size class.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    /// 0 for blocks without bytes; k for 2^(k − 1) to 2^k − 1 bytes.
    pub class: u8,
    /// Allocations.
    pub allocs: u64,
    /// Their bytes.
    pub bytes: u64,
}

impl Size {
    /// The sizes in this class, as text: `16 B – 31 B`.
    #[must_use]
    pub fn range(self) -> String {
        match self.class {
            0 => bytes(0),
            1 => bytes(1),
            class => {
                let first = 1u64.checked_shl(u32::from(class) - 1).unwrap_or(u64::MAX);
                format!("{} – {}", bytes(first), bytes(first.saturating_mul(2).saturating_sub(1)))
            }
        }
    }
}

/// The classes of the whole program, smallest first. If the dump has none, they are the sums over all
/// threads.
pub(super) fn whole(records: &[SizeClass]) -> Vec<Size> {
    let has_whole = records.iter().any(|record| record.thread == EVERYONE);
    sum(records.iter().filter(|record| !has_whole || record.thread == EVERYONE))
}

/// The classes of one thread.
pub(super) fn of_thread(records: &[SizeClass], thread: u32) -> Vec<Size> {
    sum(records.iter().filter(|record| record.thread == thread))
}

fn sum<'r>(records: impl Iterator<Item = &'r SizeClass>) -> Vec<Size> {
    let mut sums: BTreeMap<u8, SizeClass> = BTreeMap::new();
    for record in records {
        let sum = sums.entry(record.class).or_default();
        *sum = sum.plus(record);
    }
    let sizes = sums.into_iter().map(|(class, sum)| Size { class, allocs: sum.allocs, bytes: sum.bytes });
    sizes.filter(|size| size.allocs > 0).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_are_powers_of_two() {
        let range = |class| Size { class, allocs: 1, bytes: 1 }.range();
        assert_eq!([0, 1, 2, 5].map(range), ["0 B", "1 B", "2 B – 3 B", "16 B – 31 B"]);
        assert_eq!(range(21), "1.00 MiB – 2.00 MiB");
        assert_eq!(range(64), "8.00 EiB – 16.0 EiB");
        assert!(!range(255).is_empty(), "a damaged dump may say so");
    }

    #[test]
    fn the_whole_is_recorded_or_summed() {
        let record = |thread, class, allocs| SizeClass { thread, class, allocs, bytes: 10 * allocs };
        let size = |class, allocs| Size { class, allocs, bytes: 10 * allocs };
        let threads = [record(1, 5, 2), record(2, 5, 3), record(2, 1, 1), record(2, 9, 0)];
        assert_eq!(whole(&threads), [size(1, 1), size(5, 5)]);
        assert_eq!(of_thread(&threads, 2), [size(1, 1), size(5, 3)]);
        let with_whole = [&threads[..], &[record(EVERYONE, 5, 7)]].concat();
        assert_eq!(whole(&with_whole), [size(5, 7)]);
    }
}
