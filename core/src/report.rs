//! The report: the figures in a form one wants to read. Formatting it allocates nothing.

mod over_time;
mod sizes;
mod stages;
mod threads;
mod totals;
mod units;

use crate::hook::Tracker;
use crate::platform::Platform;
use crate::table::region::Tables;
use crate::unwind::Unwind;
use core::fmt;

/// Rows of a table that are shown. They stand on the stack, of which firmware has little.
const ROWS: usize = if cfg!(any(feature = "std", test)) { 20 } else { 4 };

/// [`Tracker::report`].
pub struct Report<'t, A, U: Unwind, P: Platform, R: Tables> {
    tracker: &'t Tracker<A, U, P, R>,
}

impl<'t, A, U: Unwind, P: Platform, R: Tables> Report<'t, A, U, P, R> {
    pub(crate) fn new(tracker: &'t Tracker<A, U, P, R>) -> Self {
        Report { tracker }
    }
}

impl<A, U: Unwind, P: Platform, R: Tables> fmt::Display for Report<'_, A, U, P, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tracker = self.tracker;
        if let Err(error) = tracker.check() {
            return writeln!(f, "memtrack: {error}");
        }
        totals::losses(tracker, f)?;
        totals::heap(tracker, f)?;
        over_time::write(tracker, f)?;
        stages::write(tracker, f)?;
        threads::write(tracker, f)?;
        sizes::write(tracker, f)
    }
}

/// The `ROWS` items with the largest keys, largest first, without memory for the rest.
fn largest<T>(items: impl Iterator<Item = T>, key: impl Fn(&T) -> u64) -> (heapless::Vec<T, ROWS>, usize) {
    let mut top = heapless::Vec::<T, ROWS>::new();
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
        // There is room: a full list was shortened above.
        let _ = top.insert(place, item);
    }
    (top, left_out)
}

fn rest(f: &mut fmt::Formatter<'_>, left_out: usize) -> fmt::Result {
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
        assert_eq!((top.len(), left_out), (ROWS, 80));
        assert!(top.windows(2).all(|pair| pair[0] * 7 % 100 > pair[1] * 7 % 100));
        assert_eq!(top[0] * 7 % 100, 99);
    }
}
