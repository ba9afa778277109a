//! Allocations on stacks other than a thread's usual one: `odd_stacks small|coroutine|alternate|deep`.

use std::alloc::System;
use std::cell::UnsafeCell;
use std::hint::black_box;
use std::ptr::{addr_of_mut, null_mut};

use memtrack::Tracker;

#[global_allocator]
static HEAP: Tracker<System> = Tracker::new(System);

const PAGE: usize = 4096;
const ROUNDS: usize = 100;
/// Unoptimised frames are several times larger.
const UNOPTIMISED: usize = if cfg!(debug_assertions) { 4 } else { 1 };

fn main() {
    match std::env::args().nth(1).as_deref() {
        Some("small") => small(),
        Some("coroutine") => coroutine(),
        Some("alternate") => alternate(),
        Some("deep") => drop(black_box(deep(2000))),
        other => panic!("no scenario {other:?}"),
    }
}

/// Leaves of different sizes, because the linker merges identical functions.
macro_rules! leaves {
    ($($name:ident $size:literal)*) => {$(
        #[inline(never)]
        fn $name() -> Vec<u8> {
            black_box(Vec::with_capacity($size))
        }
    )*};
}
leaves! { small_leaf 101 coroutine_leaf 102 alternate_leaf 103 deep_leaf 104 main_leaf 105 }

/// Threads with the smallest stack that the system allows: 16 KiB on x86-64. The page below it is not accessible.
fn small() {
    extern "C" fn start(_: *mut libc::c_void) -> *mut libc::c_void {
        black_box(small_first());
        null_mut()
    }
    for _ in 0..ROUNDS {
        // SAFETY: the attributes and the thread are written before they are read; the thread is joined.
        unsafe {
            let mut attributes = std::mem::zeroed();
            assert_eq!(libc::pthread_attr_init(&raw mut attributes), 0);
            let size = libc::PTHREAD_STACK_MIN * UNOPTIMISED;
            assert_eq!(libc::pthread_attr_setstacksize(&raw mut attributes, size), 0);
            let mut thread = 0;
            assert_eq!(libc::pthread_create(&raw mut thread, &raw const attributes, start, null_mut()), 0);
            assert_eq!(libc::pthread_join(thread, null_mut()), 0);
        }
    }
}

#[inline(never)]
fn small_first() -> Vec<u8> {
    black_box(small_leaf())
}

/// Memory for a stack between two pages that are not accessible.
fn guarded(size: usize) -> *mut libc::c_void {
    // SAFETY: the mapping is new, and only its inner pages become accessible.
    unsafe {
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
        let base = libc::mmap(null_mut(), size + 2 * PAGE, libc::PROT_NONE, flags, -1, 0);
        assert_ne!(base, libc::MAP_FAILED);
        let stack = base.byte_add(PAGE);
        assert_eq!(libc::mprotect(stack, size, libc::PROT_READ | libc::PROT_WRITE), 0);
        stack
    }
}

/// The two sides of a coroutine.
struct Contexts(UnsafeCell<[libc::ucontext_t; 2]>);

// SAFETY: both sides run on one thread.
unsafe impl Sync for Contexts {}

// SAFETY: all-zero is a context that has not been filled in.
static CONTEXTS: Contexts = Contexts(UnsafeCell::new(unsafe { std::mem::zeroed() }));

/// Switches from one side to the other.
fn switch(from: usize) {
    // SAFETY: the side to switch to has been made or was left by a switch.
    unsafe {
        let contexts = CONTEXTS.0.get();
        let (from, to) = (addr_of_mut!((*contexts)[from]), addr_of_mut!((*contexts)[1 - from]));
        assert_eq!(libc::swapcontext(from, to), 0);
    }
}

/// The main program and a coroutine allocate in turn, on two stacks of one thread.
fn coroutine() {
    const STACK: usize = (16 << 10) * UNOPTIMISED;
    extern "C" fn body() {
        loop {
            black_box(coroutine_first());
            switch(1);
        }
    }
    // SAFETY: the context is filled in before it is changed; no other code uses its stack.
    unsafe {
        let context = addr_of_mut!((*CONTEXTS.0.get())[1]);
        assert_eq!(libc::getcontext(context), 0);
        (*context).uc_stack.ss_sp = guarded(STACK);
        (*context).uc_stack.ss_size = STACK;
        libc::makecontext(context, body, 0);
    }
    for _ in 0..ROUNDS {
        switch(0);
        black_box(main_first());
    }
}

#[inline(never)]
fn coroutine_first() -> Vec<u8> {
    black_box(coroutine_leaf())
}

#[inline(never)]
fn main_first() -> Vec<u8> {
    black_box(main_leaf())
}

/// A handler on an alternate stack. The main program allocates between the signals.
fn alternate() {
    const STACK: usize = (16 << 10) * UNOPTIMISED;
    extern "C" fn handler(_: libc::c_int) {
        black_box(alternate_first());
    }
    // SAFETY: all-zero is an action without flags and mask; no other code uses the stack; this thread raises the
    // signal outside any allocation.
    unsafe {
        let stack = libc::stack_t { ss_sp: guarded(STACK), ss_flags: 0, ss_size: STACK };
        assert_eq!(libc::sigaltstack(&raw const stack, null_mut()), 0);
        let mut action: libc::sigaction = std::mem::zeroed();
        action.sa_sigaction = handler as *const () as libc::sighandler_t;
        action.sa_flags = libc::SA_ONSTACK;
        assert_eq!(libc::sigaction(libc::SIGUSR1, &raw const action, null_mut()), 0);
        for _ in 0..ROUNDS {
            black_box(main_first());
            assert_eq!(libc::raise(libc::SIGUSR1), 0);
        }
    }
}

#[inline(never)]
fn alternate_first() -> Vec<u8> {
    black_box(alternate_leaf())
}

/// Far deeper than the limit of captured stacks.
#[inline(never)]
fn deep(more: usize) -> Vec<u8> {
    if more > 0 { black_box(deep(black_box(more - 1))) } else { black_box(deep_leaf()) }
}
