//! A random walk through functions of every kind.

use std::alloc::{GlobalAlloc, Layout};
use std::cell::Cell;
use std::hint::black_box;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::ptr::{from_mut, null_mut};

#[cfg(target_arch = "x86_64")]
use crate::frames::{self, Place};

/// The maximal number of active functions, not counting recursion.
const DEPTH: usize = 14;

/// The state of a walk.
pub(crate) struct Walk {
    heap: &'static (dyn GlobalAlloc + Sync),
    random: u64,
    depth: usize,
    /// Allocations that remain.
    left: u64,
    #[cfg(target_arch = "x86_64")]
    pub(crate) place: Place,
}

type Function = fn(&mut Walk);

/// The first `COMMON` functions are chosen more often. Pairs have frames of equal size: their callees cannot
/// distinguish them by the stack pointer.
const FUNCTIONS: &[Function] = &[
    one,
    two,
    three,
    four,
    large,
    twice,
    aligned,
    recursive,
    back_from_c,
    unwound,
    interrupted,
    very_deep,
    #[cfg(target_arch = "x86_64")]
    dynamic,
    #[cfg(target_arch = "x86_64")]
    left_by_a_jump,
];
const COMMON: u64 = 7;

thread_local! {
    /// The walk that a signal handler continues.
    static WALK: Cell<*mut Walk> = const { Cell::new(null_mut()) };
}

impl Walk {
    pub(crate) fn new(heap: &'static (dyn GlobalAlloc + Sync), seed: u64) -> Self {
        Walk {
            heap,
            random: seed,
            depth: 0,
            left: 0,
            #[cfg(target_arch = "x86_64")]
            place: Place::default(),
        }
    }

    /// Walks until it has made this many allocations.
    #[inline(never)]
    pub(crate) fn run(&mut self, allocations: u64) {
        catch_signals();
        self.left = allocations;
        let mut ways = self.random;
        while self.left > 0 {
            // Every second path is one of 300, which repeat.
            self.random = ways;
            let (is_known, known) = (self.below(2) == 0, self.below(300));
            ways = self.random;
            if is_known {
                self.random = (known + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
            }
            black_box(&mut *self).step();
        }
    }

    fn below(&mut self, n: u64) -> u64 {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        (self.random >> 20) % n
    }

    /// Allocates here, or continues through another function.
    #[inline(never)]
    fn step(&mut self) {
        let kind = self.below(10);
        if self.depth >= DEPTH || kind == 0 {
            return self.allocate();
        }
        let kinds = if kind < 8 { COMMON } else { FUNCTIONS.len() as u64 };
        let function = FUNCTIONS[self.below(kinds) as usize];
        self.depth += 1;
        function(self);
        self.depth -= 1;
    }

    #[inline(never)]
    fn allocate(&mut self) {
        let layout = Layout::new::<[u64; 4]>();
        // SAFETY: the layout is not of size zero; the block is freed once.
        unsafe {
            let block = black_box(self.heap.alloc(layout));
            assert!(!block.is_null());
            self.heap.dealloc(block, layout);
        }
        self.left = self.left.saturating_sub(1);
    }
}

/// Functions that continue the walk, with frames of this many words.
macro_rules! functions {
    ($($name:ident $words:literal $times:literal)*) => {$(
        #[inline(never)]
        fn $name(walk: &mut Walk) {
            let frame = black_box([walk.random; $words]);
            for _ in 0..$times {
                black_box(&mut *walk).step();
            }
            black_box((stringify!($name), frame));
        }
    )*};
}
functions! { one 2 1 two 2 1 three 5 1 four 5 1 large 300 1 twice 5 2 }

/// A frame that aligns itself, so that the stack pointer does not determine the caller's frame.
#[inline(never)]
fn aligned(walk: &mut Walk) {
    #[repr(align(256))]
    struct Aligned([u64; 32]);
    let frame = black_box(Aligned([walk.random; 32]));
    black_box(&mut *walk).step();
    black_box(frame.0);
}

#[inline(never)]
fn recursive(walk: &mut Walk) {
    let more = walk.below(6);
    black_box(again(walk, more));
}

#[inline(never)]
fn again(walk: &mut Walk, more: u64) -> u64 {
    if more > 0 {
        return again(walk, black_box(more - 1)) + 1;
    }
    black_box(&mut *walk).step();
    black_box(0)
}

/// Sometimes deeper than the limit of captured stacks.
#[inline(never)]
fn very_deep(walk: &mut Walk) {
    let more = if walk.below(8) == 0 { 150 } else { 40 };
    black_box(again(walk, more));
}

/// Called back by the C library, several times.
#[inline(never)]
fn back_from_c(walk: &mut Walk) {
    extern "C" fn compare(a: *const libc::c_void, b: *const libc::c_void) -> libc::c_int {
        // SAFETY: `qsort` passes elements of the array; the walk belongs to this thread, and no other code uses it
        // meanwhile.
        unsafe {
            (*WALK.get()).step();
            (*a.cast::<u32>()).cmp(&*b.cast::<u32>()) as libc::c_int
        }
    }
    let mut numbers = [3u32, 1, 2];
    let before = WALK.replace(from_mut(walk));
    // SAFETY: the array has this many elements of the size that `compare` expects.
    unsafe { libc::qsort(numbers.as_mut_ptr().cast(), numbers.len(), size_of::<u32>(), Some(compare)) };
    WALK.set(before);
    assert_eq!(numbers, [1, 2, 3]);
}

/// Continues during the unwinding of a panic, and after it was caught.
#[inline(never)]
fn unwound(walk: &mut Walk) {
    struct Last<'w>(&'w mut Walk);
    impl Drop for Last<'_> {
        fn drop(&mut self) {
            black_box(&mut *self.0).step();
        }
    }
    let last = Last(walk);
    let caught = catch_unwind(AssertUnwindSafe(move || {
        let _last = last;
        resume_unwind(Box::new(()));
    }));
    black_box(caught).unwrap_err();
}

/// Continues in a signal handler, on the alternate stack unless that is in use.
#[inline(never)]
fn interrupted(walk: &mut Walk) {
    let before = WALK.replace(from_mut(walk));
    // SAFETY: the handler runs on this thread, before `raise` returns.
    assert_eq!(unsafe { libc::raise(libc::SIGUSR1) }, 0);
    WALK.set(before);
}

/// Sets this thread's signal handler and the stack for it.
fn catch_signals() {
    const STACK: usize = 1 << 20;
    extern "C" fn handler(_: libc::c_int) {
        // SAFETY: `interrupted` raised the signal, and does not use the walk meanwhile.
        unsafe { (*WALK.get()).step() };
    }
    // SAFETY: the stack is memory of its own that is never unmapped; all-zero is an action without a mask; the
    // handler has the right signature.
    unsafe {
        let (access, kind) = (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS);
        let stack = libc::mmap(null_mut(), STACK, access, kind, -1, 0);
        assert_ne!(stack, libc::MAP_FAILED);
        let stack = libc::stack_t { ss_sp: stack, ss_flags: 0, ss_size: STACK };
        assert_eq!(libc::sigaltstack(&raw const stack, null_mut()), 0);
        let mut action: libc::sigaction = std::mem::zeroed();
        action.sa_sigaction = handler as *const () as libc::sighandler_t;
        action.sa_flags = libc::SA_ONSTACK | libc::SA_NODEFER;
        assert_eq!(libc::sigaction(libc::SIGUSR1, &raw const action, null_mut()), 0);
    }
}

/// Continues from a frame whose size is known only at run time.
#[cfg(target_arch = "x86_64")]
#[inline(never)]
fn dynamic(walk: &mut Walk) {
    let bytes = 8 * walk.below(60) as usize;
    frames::with_dynamic(bytes, walk, Walk::step);
}

/// Frames that the innermost one leaves by a jump, and what runs in their place afterwards.
#[cfg(target_arch = "x86_64")]
#[inline(never)]
fn left_by_a_jump(walk: &mut Walk) {
    #[inline(never)]
    fn inwards(walk: &mut Walk, more: u64) -> u64 {
        if more > 0 {
            return inwards(walk, black_box(more - 1)) + 1;
        }
        walk.allocate();
        // SAFETY: `catch` runs below with the walk's place; inside it are only frames of this function, which have no
        // value to drop.
        unsafe { frames::jump(walk.place) }
    }
    fn first(walk: &mut Walk) {
        let more = walk.below(5);
        black_box(inwards(walk, more));
    }
    frames::catch(walk, first);
    black_box(&mut *walk).step();
}
