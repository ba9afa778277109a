//! The report: the figures in a form one wants to read. Formatting it allocates nothing.

use crate::platform::Platform;
use crate::stats::{StageStats, ThreadStats};
use crate::table::region::Tables;
use crate::tracker::Tracker;
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

/// Bytes with a binary unit: `1.50 MiB`.
pub(crate) struct Bytes(pub(crate) u64);

impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const UNITS: [&str; 6] = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
        let mut text = heapless::String::<32>::new();
        let _ = match UNITS.iter().enumerate().rev().find(|(i, _)| self.0 >= 1 << (10 * (i + 1))) {
            None => fmt::write(&mut text, format_args!("{} B", self.0)),
            // Hundredths in whole numbers: firmware has no need of floating point.
            Some((i, unit)) => {
                let shift = 10 * (i as u32 + 1);
                let hundredths = (((self.0 & ((1 << shift) - 1)) as u128 * 100) >> shift) as u64;
                fmt::write(&mut text, format_args!("{}.{hundredths:02} {unit}", self.0 >> shift))
            }
        };
        f.pad(&text)
    }
}

/// Nanoseconds with a unit: `12.3 ms`.
struct Duration(u64);

impl fmt::Display for Duration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = heapless::String::<32>::new();
        let (unit, name) = match self.0 {
            0..1_000_000 => (1_000, "µs"),
            1_000_000..1_000_000_000 => (1_000_000, "ms"),
            _ => (1_000_000_000, "s"),
        };
        let tenths = self.0 % unit * 10 / unit;
        let _ = fmt::write(&mut text, format_args!("{}.{tenths} {name}", self.0 / unit));
        f.pad(&text)
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

impl<A, U: Unwind, P: Platform, R: Tables> fmt::Display for Report<'_, A, U, P, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Err(error) = self.tracker.check() {
            return writeln!(f, "memtrack: {error}");
        }
        self.losses(f)?;
        self.totals(f)?;
        self.stages(f)?;
        self.threads(f)
    }
}

impl<A, U: Unwind, P: Platform, R: Tables> Report<'_, A, U, P, R> {
    fn losses(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, (cause, events)) in self.tracker.losses().enumerate() {
            if i == 0 {
                writeln!(f, "lost: events that are counted but not attributed in full")?;
            }
            writeln!(f, "  {events:>14}  {}", cause.as_str())?;
        }
        Ok(())
    }

    fn totals(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let stats = self.tracker.stats();
        writeln!(f, "heap          bytes         blocks")?;
        write!(f, "  peak   {:>12} {:>14}", Bytes(stats.peak_bytes), stats.peak_blocks)?;
        match self.tracker.peak_error() {
            0 => writeln!(f)?,
            error => writeln!(f, "  too high by {} at most", Bytes(error))?,
        }
        writeln!(f, "  live   {:>12} {:>14}", Bytes(stats.live_bytes), stats.live_blocks)?;
        writeln!(f, "  total  {:>12} {:>14}", Bytes(stats.total_bytes), stats.total_allocs)?;
        write!(f, "  {} reallocations, {} temporary blocks", stats.reallocs, stats.temporary)?;
        match stats.failed_allocs {
            0 => writeln!(f),
            failed => writeln!(f, ", {failed} failed allocations"),
        }
    }

    fn stages(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (stages, left_out) = largest(self.tracker.stages(), |stage: &StageStats| stage.peak_bytes);
        if stages.is_empty() {
            return Ok(());
        }
        writeln!(
            f,
            "stages by peak            peak       before        after    allocated    runs      time"
        )?;
        for stage in &stages {
            let running = if stage.running { " (running)" } else { "" };
            let mut name = heapless::String::<40>::new();
            let _ = match stage.thread {
                None => fmt::write(&mut name, format_args!("{}", stage.name())),
                Some(thread) => fmt::write(&mut name, format_args!("{} [thread {thread}]", stage.name())),
            };
            writeln!(
                f,
                "  {:<17} {:>12} {:>12} {:>12} {:>12} {:>7} {:>9}{running}",
                name,
                Bytes(stage.peak_bytes),
                Bytes(stage.live_before),
                Bytes(stage.live_after),
                Bytes(stage.bytes),
                stage.runs,
                Duration(stage.duration_ns),
            )?;
        }
        rest(f, left_out)
    }

    fn threads(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (threads, left_out) =
            largest(self.tracker.threads(), |thread: &ThreadStats| thread.stats.peak_bytes);
        writeln!(f, "threads by peak           peak      at peak         live    allocated      blocks")?;
        for thread in &threads {
            let mut name = heapless::String::<40>::new();
            let _ = match (thread.id, thread.name()) {
                (0, _) => fmt::write(&mut name, format_args!("[unattributed]")),
                (1, _) => fmt::write(&mut name, format_args!("[no slot left]")),
                (id, "") => fmt::write(&mut name, format_args!("thread {id}")),
                (_, text) => fmt::write(&mut name, format_args!("{text}")),
            };
            if thread.count > 1 {
                let _ = fmt::write(&mut name, format_args!(" ×{}", thread.count));
            }
            writeln!(
                f,
                "  {name:<17} {:>12} {:>12} {:>12} {:>12} {:>11}",
                Bytes(thread.stats.peak_bytes),
                Bytes(thread.at_program_peak),
                Bytes(thread.stats.live_bytes),
                Bytes(thread.stats.total_bytes),
                thread.stats.total_allocs,
            )?;
        }
        rest(f, left_out)
    }
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
    fn units_are_binary_and_round_down() {
        for (bytes, text) in [
            (0, "0 B"),
            (1023, "1023 B"),
            (1024, "1.00 KiB"),
            (1536 << 10, "1.50 MiB"),
            ((1 << 30) - 1, "1023.99 MiB"),
            (u64::MAX, "15.99 EiB"),
        ] {
            assert_eq!(Bytes(bytes).to_string(), text);
        }
        assert_eq!(format!("{:>10}|{}", Bytes(7), Duration(1_250_000)), "       7 B|1.2 ms");
    }

    #[test]
    fn the_largest_come_first_and_the_rest_is_counted() {
        let (top, left_out) = largest(0..100u64, |&n| n * 7 % 100);
        assert_eq!((top.len(), left_out), (ROWS, 80));
        assert!(top.windows(2).all(|pair| pair[0] * 7 % 100 > pair[1] * 7 % 100));
        assert_eq!(top[0] * 7 % 100, 99);
    }
}
