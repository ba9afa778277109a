//! Allocations by the size of their blocks, in power-of-two classes, smallest first.

use super::units::{Bytes, Count, Share};
use crate::hook::Tracker;
use crate::limits::CLASSES;
use crate::platform::Platform;
use crate::table::region::Tables;
use crate::unwind::Unwind;
use core::fmt;

pub(super) fn write<A, U: Unwind, P: Platform, R: Tables>(
    tracker: &Tracker<A, U, P, R>,
    f: &mut fmt::Formatter<'_>,
) -> fmt::Result {
    if CLASSES == 0 {
        return Ok(());
    }
    // Allocations and their bytes.
    let mut classes = [(0u64, 0u64); CLASSES];
    for (class, allocs, bytes) in tracker.size_classes() {
        if let Some(sum) = classes.get_mut(usize::from(class)) {
            *sum = (sum.0 + allocs, sum.1 + bytes);
        }
    }
    let (all, all_bytes) =
        classes.iter().fold((0, 0), |sum, (allocs, bytes)| (sum.0 + allocs, sum.1 + bytes));
    if all == 0 {
        return Ok(());
    }
    let most = classes.iter().map(|(allocs, _)| *allocs).max().unwrap_or(all);
    writeln!(f, "sizes of blocks                  allocated          allocations")?;
    for (class, &(allocs, bytes)) in classes.iter().enumerate().filter(|(_, (allocs, _))| *allocs > 0) {
        writeln!(
            f,
            "  {:<25} {:>12} {:>6} {:>12} {:>6}  {}",
            Range(class as u32),
            Bytes(bytes),
            Share(bytes, all_bytes.max(1)),
            Count(allocs),
            Share(allocs, all),
            Bar(allocs, most),
        )?;
    }
    Ok(())
}

/// The sizes of a class: `16 B – 31 B`.
struct Range(u32);

impl fmt::Display for Range {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let first = if self.0 == 0 { 0 } else { 1u64 << (self.0 - 1) };
        let mut text = heapless::String::<40>::new();
        let _ = if self.0 + 1 == CLASSES as u32 {
            fmt::write(&mut text, format_args!("{} and more", Bytes(first)))
        } else if self.0 < 2 {
            fmt::write(&mut text, format_args!("{}", Bytes(first)))
        } else {
            fmt::write(&mut text, format_args!("{} – {}", Bytes(first), Bytes(2 * first - 1)))
        };
        f.pad(&text)
    }
}

/// A bar for a part of a whole, which is not 0.
struct Bar(u64, u64);

impl fmt::Display for Bar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        /// Characters of the bar for the whole.
        const LENGTH: u128 = 20;
        const ENDS: [&str; 8] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];
        let eighths = (u128::from(self.0) * LENGTH * 8).div_ceil(u128::from(self.1)) as usize;
        (0..eighths / 8).try_for_each(|_| f.write_str("█"))?;
        f.write_str(ENDS[eighths % 8])
    }
}

#[cfg(all(test, feature = "std"))]
mod tests {
    use super::*;

    #[test]
    fn classes_are_powers_of_two() {
        let range = |class| Range(class).to_string();
        assert_eq!([0, 1, 2, 5].map(range), ["0 B", "1 B", "2 B – 3 B", "16 B – 31 B"]);
        assert_eq!(range(21), "1.00 MiB – 1.99 MiB");
        assert_eq!(range(CLASSES as u32 - 1), "256.00 GiB and more");
    }

    #[test]
    fn bars_have_eighths_and_none_is_empty() {
        assert_eq!(Bar(7, 7).to_string(), "█".repeat(20));
        assert_eq!([Bar(1, u64::MAX), Bar(1, 16), Bar(1, 10)].map(|bar| bar.to_string()), ["▏", "█▎", "██"]);
    }
}
