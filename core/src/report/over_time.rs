//! Live bytes over time, as one line of bars.

use super::units::Duration;
use crate::hook::Tracker;
use crate::platform::Platform;
use crate::table::region::Tables;
use crate::table::timeline::{Point, Timeline};
use crate::unwind::Unwind;
use core::fmt;

/// Characters of the line.
const PIECES: usize = 60;
const BARS: [&str; 9] = [" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"];

pub(super) fn write<A, U: Unwind, P: Platform, R: Tables>(
    tracker: &Tracker<A, U, P, R>,
    f: &mut fmt::Formatter<'_>,
) -> fmt::Result {
    if !Timeline::IS_KEPT {
        return Ok(());
    }
    let (end, top) = tracker.timeline().fold((0, 0), |(_, top), point| (point.time_ns, point.high.max(top)));
    if top == 0 {
        return Ok(());
    }
    write!(f, "  over time  ")?;
    for high in pieces(tracker.timeline(), end) {
        // Live has risen above the highest since the caller read it.
        f.write_str(BARS[(high as u128 * 8).div_ceil(top as u128).min(8) as usize])?;
    }
    writeln!(f, " in {}", Duration(end))
}

/// The highest live bytes in each piece of the time until `end`.
fn pieces(points: impl Iterator<Item = Point>, end: u64) -> [usize; PIECES] {
    let mut pieces = [0; PIECES];
    let mut before = (0, 0);
    for point in points {
        let to = u128::from(point.time_ns) * (PIECES as u128 - 1) / u128::from(end.max(1));
        let to = (to as usize).min(PIECES - 1);
        // Between two points, live bytes are those of the first.
        pieces.iter_mut().take(to).skip(before.0 + 1).for_each(|piece| *piece = before.1.max(*piece));
        pieces[to] = point.high.max(pieces[to]);
        before = (to, point.live);
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_piece_has_its_highest_and_what_lasts_is_drawn() {
        let points = [(0, 3, 3), (10, 9, 2), (20, 4, 4), (59, 5, 1)];
        let points = points.map(|(time_ns, high, live)| Point { time_ns, high, live });
        let drawn = pieces(points.into_iter(), 59);
        assert_eq!((drawn[0], drawn[9], drawn[10]), (3, 3, 9));
        assert_eq!((drawn[11], drawn[19], drawn[20]), (2, 2, 4));
        assert_eq!((drawn[58], drawn[59]), (4, 5));
        // A piece may have several points. A point may be later than the end.
        let late = [(1, 7, 7), (1, 8, 6), (500, 1, 1)];
        let late = late.map(|(time_ns, high, live)| Point { time_ns, high, live });
        let drawn = pieces(late.into_iter(), 100);
        assert_eq!((drawn[0], drawn[1], drawn[59]), (8, 6, 1));
    }
}
