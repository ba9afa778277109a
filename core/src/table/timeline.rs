//! Live bytes over time, in a list of bounded length. When it is full, its resolution halves.

use super::image::{assert_layout, place};
use super::list::List;
use crate::limits::POINTS;
use core::mem::offset_of;
use memtrack_format::image::header::Place;
use memtrack_format::image::records;

/// The first resolution in nanoseconds: about a millisecond.
const FIRST_STEP: u64 = 1 << 20;
/// How often the resolution halves at most: a step is 52 days then.
const LAST: u32 = 32;
/// Samples in one step, so that bursts shorter than a step are seen.
const SAMPLES: u64 = 4;

/// The samples of one step of time.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Point {
    /// When the last of them was taken, since the tracker started.
    pub(crate) time_ns: u64,
    /// The highest live bytes among them.
    pub(crate) high: usize,
    /// Live bytes of the last.
    pub(crate) live: usize,
}

assert_layout!(records::Point as Point; offset_of!(Point, time_ns), offset_of!(Point, high), offset_of!(Point, live));

/// All-zero is empty.
#[repr(C)]
pub struct Timeline {
    points: List<Point, POINTS>,
    /// How often the resolution was halved.
    halved: u32,
}

impl Timeline {
    /// Whether there are any points.
    pub(crate) const IS_KEPT: bool = POINTS != 0;
    pub(super) const PLACE: Place = place(offset_of!(Self, points), size_of::<Point>(), POINTS);

    pub(crate) const fn new() -> Self {
        Timeline { points: List::new(), halved: 0 }
    }

    /// Adds a sample. Returns the time of the next one.
    pub(crate) fn add(&mut self, time_ns: u64, live: usize) -> u64 {
        if Self::IS_KEPT {
            let point = Point { time_ns, high: live, live };
            while !self.fits(point) {
                self.halve();
            }
        }
        time_ns + self.step() / SAMPLES
    }

    /// The point at `place`, from 0, in the order of time.
    pub(crate) fn get(&self, place: usize) -> Option<Point> {
        self.points.get(place).copied()
    }

    fn step(&self) -> u64 {
        FIRST_STEP << self.halved.min(LAST)
    }

    /// Adds a point to the last point when both are of one step, else behind it. False when there is no room.
    fn fits(&mut self, point: Point) -> bool {
        let step = self.step();
        self.points.last_mut().is_some_and(|last| last.takes(point, step)) || self.points.push(point).is_ok()
    }

    /// Halves the resolution: the points of each new step become one. In place: this runs on the stack of any thread that
    /// allocates.
    fn halve(&mut self) {
        if self.halved >= LAST {
            // No clock has such times: another process has written into a recording's file.
            return self.points.truncate(0);
        }
        self.halved += 1;
        let (step, mut kept) = (self.step(), 0);
        for place in 0..self.points.len() {
            let point = self.points[place];
            if !self.points[..kept].last_mut().is_some_and(|last| last.takes(point, step)) {
                self.points[kept] = point;
                kept += 1;
            }
        }
        self.points.truncate(kept);
    }
}

impl Point {
    /// Merges a later point if it is of the same step.
    fn takes(&mut self, point: Point, step: u64) -> bool {
        // Points of several threads may be a little out of order.
        let is_same = point.time_ns <= self.time_ns || point.time_ns / step == self.time_ns / step;
        if is_same {
            let (time_ns, high) = (self.time_ns.max(point.time_ns), self.high.max(point.high));
            *self = Point { time_ns, high, live: point.live };
        }
        is_same
    }
}

#[cfg(all(test, feature = "std"))]
mod tests {
    use super::*;

    #[test]
    fn the_resolution_halves_and_highs_stay() {
        let mut line = Timeline::new();
        let mut next = 0;
        let mut highest = 0;
        for i in 0..1_000_000u64 {
            let time = i * FIRST_STEP / 8;
            if time >= next {
                let live = if i % 7919 == 0 { 10_000 + i as usize } else { i as usize % 1000 };
                highest = highest.max(live);
                next = line.add(time, live);
            }
        }
        let points: std::vec::Vec<Point> = (0..).map_while(|place| line.get(place)).collect();
        assert!((POINTS / 2 - 1..=POINTS).contains(&points.len()), "{}", points.len());
        assert!(points.windows(2).all(|pair| pair[0].time_ns < pair[1].time_ns));
        assert_eq!(points.iter().map(|point| point.high).max(), Some(highest));
        assert_eq!(line.halved, 8, "{} steps in {POINTS} points", 1_000_000 / 8);
        assert!(points.iter().all(|point| point.high >= point.live));
    }

    #[test]
    fn a_pause_takes_no_points() {
        let mut line = Timeline::new();
        line.add(0, 1);
        line.add(u64::MAX / 2, 2);
        assert_eq!(line.get(1), Some(Point { time_ns: u64::MAX / 2, high: 2, live: 2 }));
        assert_eq!((line.get(2), line.halved), (None, 0));
    }
}
