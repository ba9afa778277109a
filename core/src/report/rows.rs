//! The rows of a report's table: the largest items.

use crate::limits::REPORT_ROWS;
use core::fmt;

/// The `REPORT_ROWS` items with the largest keys, largest first, without memory for the rest.
pub(super) fn largest<T>(
    items: impl Iterator<Item = T>,
    key: impl Fn(&T) -> u64,
) -> (heapless::Vec<T, REPORT_ROWS>, usize) {
    let mut top = heapless::Vec::<T, REPORT_ROWS>::new();
    let mut left_out = 0;
    for item in items {
        let place = top.iter().position(|other| key(other) < key(&item)).unwrap_or(top.len());
        if top.is_full() {
            left_out += 1;
            if place == top.len() {
                continue;
            }
            top.pop();
        }
        // A full list was shortened above, so this one has room.
        let _ = top.insert(place, item);
    }
    (top, left_out)
}

/// The line after the rows: the number of items without a row.
pub(super) fn rest(f: &mut fmt::Formatter<'_>, left_out: usize) -> fmt::Result {
    if left_out > 0 {
        writeln!(f, "  … and {left_out} more")?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_come_first_and_the_rest_is_counted() {
        let (top, left_out) = largest(0..100u64, |&n| n * 7 % 100);
        assert_eq!((top.len(), left_out), (REPORT_ROWS, 80));
        assert!(top.windows(2).all(|pair| pair[0] * 7 % 100 > pair[1] * 7 % 100));
        assert_eq!(top[0] * 7 % 100, 99);
    }
}
