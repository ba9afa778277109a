//! Stacks of a given depth, the same or different each time.

use std::hint::black_box;

/// Frames that are there before the first level: the thread's start and the closures in between.
const ROOT: usize = 8;

/// Answers a number that the compiler cannot know, so that every call stays a call.
type Level = fn(usize, u64, &mut dyn FnMut()) -> u64;

static LEVELS: [Level; 16] = [
    level::<0>,
    level::<1>,
    level::<2>,
    level::<3>,
    level::<4>,
    level::<5>,
    level::<6>,
    level::<7>,
    level::<8>,
    level::<9>,
    level::<10>,
    level::<11>,
    level::<12>,
    level::<13>,
    level::<14>,
    level::<15>,
];

#[inline(never)]
fn level<const NUMBER: u64>(more: usize, path: u64, work: &mut dyn FnMut()) -> u64 {
    if more == 0 {
        work();
        return black_box(NUMBER);
    }
    LEVELS[path as usize & 15](more - 1, path.rotate_right(4), work) + NUMBER + 1
}

/// Runs `work` under about `depth` frames; four bits of `path` choose the function at each level.
#[inline(never)]
pub(crate) fn descend(depth: usize, path: u64, mut work: impl FnMut()) {
    black_box(level::<0>(depth.saturating_sub(ROOT), path, &mut work));
}
