//! Two threads that walk through functions at random and allocate on the way, each time on a new stack or on a known
//! one: `wander ROUNDS`. For every allocation it prints a line with the active functions, one letter each.

use std::alloc::System;
use std::hint::black_box;

use memtrack::Tracker;
use memtrack_tests::say;

#[global_allocator]
static HEAP: Tracker<System> = Tracker::new(System);

/// The maximal number of active functions.
const DEPTH: usize = 12;

fn main() {
    let rounds: usize =
        std::env::args().nth(1).and_then(|rounds| rounds.parse().ok()).expect("a number of rounds");
    let other = std::thread::spawn(move || wander(rounds, 77));
    wander(rounds, 4711);
    other.join().unwrap();
}

#[inline(never)]
fn wander(rounds: usize, seed: u64) {
    let mut walk = Walk { path: [0; DEPTH], depth: 0, random: seed };
    for _ in 0..rounds {
        black_box(&mut walk).step();
    }
}

struct Walk {
    path: [u8; DEPTH],
    depth: usize,
    random: u64,
}

impl Walk {
    fn below(&mut self, n: u64) -> u64 {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        (self.random >> 20) % n
    }

    /// Allocates here, or continues through another function.
    #[inline(never)]
    fn step(&mut self) {
        let way = self.below(10);
        if self.depth == DEPTH || way < 2 {
            black_box(leaf());
            say!("{}", str::from_utf8(&self.path[..self.depth]).unwrap());
            return;
        }
        let functions: [fn(&mut Walk); 8] = [a, b, c, d, e, f, g, h];
        let function = usize::try_from(way - 2).unwrap();
        self.path[self.depth] = b'a' + function as u8;
        self.depth += 1;
        functions[function](self);
        self.depth -= 1;
    }
}

#[inline(never)]
fn leaf() -> Vec<u8> {
    black_box(Vec::with_capacity(100))
}

/// Functions with frames of different sizes, which continue the walk a different number of times.
macro_rules! functions {
    ($($name:ident $words:literal $times:literal)*) => {$(
        #[inline(never)]
        fn $name(walk: &mut Walk) {
            let frame = black_box([walk.random; $words]);
            for _ in 0..$times {
                black_box(&mut *walk).step();
            }
            black_box(frame);
        }
    )*};
}
functions! { a 1 1 b 2 2 c 9 1 d 40 1 }

/// A frame that aligns itself, so that the stack pointer does not determine the caller's frame.
#[inline(never)]
fn e(walk: &mut Walk) {
    #[repr(align(256))]
    struct Aligned([u64; 32]);
    let frame = black_box(Aligned([walk.random; 32]));
    black_box(&mut *walk).step();
    black_box(frame.0);
}

/// Calls a function with another calling convention and arguments on the stack.
#[inline(never)]
fn f(walk: &mut Walk) {
    let many =
        black_box(many_arguments as extern "C" fn(&mut Walk, u64, u64, u64, u64, u64, u64, u64, u64) -> u64);
    black_box(many(walk, 1, 2, 3, 4, 5, 6, 7, 8));
}

#[inline(never)]
#[allow(clippy::too_many_arguments, reason = "the last arguments are on the stack")]
extern "C" fn many_arguments(
    walk: &mut Walk,
    a: u64,
    b: u64,
    c: u64,
    d: u64,
    e: u64,
    f: u64,
    g: u64,
    h: u64,
) -> u64 {
    black_box(&mut *walk).step();
    black_box(a ^ b ^ c ^ d ^ e ^ f ^ g ^ h)
}

/// Calls itself.
#[inline(never)]
fn g(walk: &mut Walk) {
    fn again(walk: &mut Walk, more: u64) -> u64 {
        if more > 0 {
            return black_box(again(walk, black_box(more - 1))) + 1;
        }
        black_box(&mut *walk).step();
        black_box(0)
    }
    let more = walk.below(4);
    black_box(again(walk, black_box(more)));
}

/// Continues during the unwinding of a panic: a destructor allocates.
#[inline(never)]
fn h(walk: &mut Walk) {
    struct Last<'w>(&'w mut Walk);
    impl Drop for Last<'_> {
        fn drop(&mut self) {
            black_box(&mut *self.0).step();
        }
    }
    let last = Last(walk);
    let unwound = std::panic::catch_unwind(std::panic::AssertUnwindSafe(move || {
        let _last = last;
        std::panic::resume_unwind(Box::new(()));
    }));
    black_box(unwound).unwrap_err();
}
