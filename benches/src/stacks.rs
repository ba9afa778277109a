//! The stacks under which the parts are measured: their number of frames, and the order in which they follow each
//! other.

use std::ffi::c_void;
use std::hint::black_box;
use std::time::{Duration, Instant};

use crate::random::Random;

/// The stacks under which the parts are measured, by their names in the table of results.
pub const STACKS: [(&str, Stacks); 9] = [
    ("same-8", Stacks { frames: 8, order: Order::Same }),
    ("same-24", Stacks { frames: 24, order: Order::Same }),
    ("same-30", Stacks { frames: 30, order: Order::Same }),
    ("same-64", Stacks { frames: 64, order: Order::Same }),
    ("sites-30", Stacks { frames: 30, order: Order::Sites(1) }),
    ("runs-30", Stacks { frames: 30, order: Order::Sites(4) }),
    ("random-8", Stacks { frames: 24, order: Order::Random(8) }),
    ("random-100", Stacks { frames: 30, order: Order::Random(100) }),
    ("random-2000", Stacks { frames: 30, order: Order::Random(2000) }),
];

/// A sequence of stacks.
#[derive(Clone, Copy, Debug)]
pub struct Stacks {
    /// Frames of each stack, on x86_64.
    pub frames: usize,
    order: Order,
}

/// The order of the stacks.
#[derive(Clone, Copy, Debug)]
enum Order {
    /// The same stack each time.
    Same,
    /// Eight call sites of one loop in turn, each this many times in a row.
    Sites(usize),
    /// A random one of this many stacks, which differ in the function at each level.
    Random(usize),
}

impl Stacks {
    /// The time that `events` calls of `work` take under these stacks, including the way to them.
    pub fn time(self, events: u64, mut work: impl FnMut()) -> Duration {
        let levels = self.frames - BELOW;
        let mut taken = Duration::ZERO;
        match self.order {
            Order::Same => descend(levels, 0, || {
                let start = Instant::now();
                for _ in 0..events {
                    work();
                }
                taken = start.elapsed();
            }),
            Order::Sites(times) => descend(levels - 1, 0, || {
                let turns = sites().into_iter().flat_map(|site| std::iter::repeat_n(site, times)).cycle();
                let start = Instant::now();
                for site in turns.take(events as usize) {
                    site(&mut work);
                }
                taken = start.elapsed();
            }),
            Order::Random(stacks) => {
                let mut random = Random::new(1);
                let paths: Vec<u64> = (0..stacks).map(|_| random.bits()).collect();
                paths.iter().for_each(|&path| descend(levels, path, &mut work));
                let start = Instant::now();
                for _ in 0..events {
                    descend(levels, paths[random.within(0, stacks - 1)], &mut work);
                }
                taken = start.elapsed();
            }
        }
        taken
    }
}

/// Frames beside the requested levels: the root, two on the way to the first level, the first level, and the work
/// itself.
const BELOW: usize = 5;

/// Returns a number that the compiler cannot know, so that no call becomes a jump.
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

/// Runs `work` below `levels + 1` levels. Four bits of `path` choose the function at each level.
#[inline(never)]
pub fn descend(levels: usize, path: u64, mut work: impl FnMut()) {
    let mut way = || {
        black_box(level::<0>(levels, path, &mut work));
    };
    let mut way: Way<'_> = &mut way;
    // SAFETY: the root calls `first` with the pointer, which is valid and used by no other code during the call.
    unsafe { root((&raw mut way).cast(), first) };
}

type Way<'w> = &'w mut dyn FnMut();

unsafe extern "C" fn first(way: *mut c_void) {
    // SAFETY: the pointer is the one that `descend` passed.
    unsafe { (*way.cast::<Way<'_>>())() };
    black_box(());
}

fn sites<W: FnMut()>() -> [fn(&mut W) -> u64; 8] {
    [
        site::<0, W>,
        site::<1, W>,
        site::<2, W>,
        site::<3, W>,
        site::<4, W>,
        site::<5, W>,
        site::<6, W>,
        site::<7, W>,
    ]
}

#[inline(never)]
fn site<const NUMBER: u64, W: FnMut()>(work: &mut W) -> u64 {
    work();
    black_box(NUMBER)
}

/// On other processors there is no such root, and the stacks begin with the program's start.
#[cfg(not(target_arch = "x86_64"))]
unsafe fn root(way: *mut c_void, first: unsafe extern "C" fn(*mut c_void)) {
    // SAFETY: the caller upholds it.
    unsafe { first(way) };
}

#[cfg(target_arch = "x86_64")]
unsafe extern "C" {
    #[link_name = "memtrack_bench_root"]
    fn root(way: *mut c_void, first: unsafe extern "C" fn(*mut c_void));
}

// A frame where every unwinder stops: its return address is undefined in the unwind table, as in the first function
// of a program, and the chain of frame pointers ends here.
#[cfg(target_arch = "x86_64")]
std::arch::global_asm!(
    ".pushsection .text.memtrack_bench_root, \"ax\", @progbits",
    ".hidden memtrack_bench_root",
    ".globl memtrack_bench_root",
    ".type memtrack_bench_root, @function",
    "memtrack_bench_root:",
    ".cfi_startproc",
    ".cfi_undefined rip",
    "push rbp",
    ".cfi_def_cfa_offset 16",
    "xor ebp, ebp",
    "call rsi",
    "pop rbp",
    ".cfi_def_cfa_offset 8",
    "ret",
    ".cfi_endproc",
    ".size memtrack_bench_root, . - memtrack_bench_root",
    ".popsection",
);
