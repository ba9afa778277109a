//! Stacks of calls.

use std::hint::black_box;

/// Different stacks of one depth.
const STACKS: usize = 8;
/// A bit of it chooses the function at each level.
type Path = u64;

pub(crate) struct Stacks {
    depth: usize,
    paths: [Path; STACKS],
    random: u64,
}

impl Stacks {
    pub(crate) fn new(depth: usize) -> Self {
        let mut stacks = Stacks { depth, paths: [0; STACKS], random: 0x9E37_79B9_7F4A_7C15 };
        stacks.paths = std::array::from_fn(|_| stacks.next());
        stacks
    }

    /// Descends a random one of the stacks, and works there.
    pub(crate) fn descend(&mut self, work: fn()) {
        let path = self.paths[(self.next() >> 32) as usize % STACKS];
        left(self.depth, path, work);
    }

    /// xorshift64 (Marsaglia, 2003).
    fn next(&mut self) -> u64 {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        self.random
    }
}

type Level = fn(more: usize, path: Path, work: fn());

const LEVELS: [Level; 2] = [left, right];

fn next(more: usize, path: Path, work: fn()) {
    match more {
        0 => work(),
        _ => LEVELS[(path & 1) as usize](more - 1, path.rotate_right(1), work),
    }
}

// The two functions have different code: an optimising compiler makes one function of two with the same. Neither call is
// the last thing that they do, so no call becomes a jump.

#[inline(never)]
fn left(more: usize, path: Path, work: fn()) {
    next(more, path, work);
    black_box(1);
}

#[inline(never)]
fn right(more: usize, path: Path, work: fn()) {
    next(more, path, work);
    black_box(2);
}
