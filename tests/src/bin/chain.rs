//! Allocations at the end of known chains of calls. The suite `stacks` knows the chains. Each ends in a leaf of its
//! own, so that its stack can be found by name.
//!
//! Every caller uses the result of its callee, so that no call can become a jump, and no function may be inlined.

use std::alloc::System;
use std::hint::black_box;

use memtrack::Tracker;
use memtrack_tests::say;

#[global_allocator]
static HEAP: Tracker<System> = Tracker::new(System);

type Block = Vec<u8>;

/// Leaves: functions that allocate. Each has its own size, because the linker merges identical functions.
macro_rules! leaves {
    ($($name:ident $size:literal)*) => {$(
        #[inline(never)]
        fn $name() -> Block {
            black_box(Vec::with_capacity($size))
        }
    )*};
}
leaves! {
    plain_leaf 101
    closure_leaf 102
    number_leaf 103
    text_leaf 104
    recursion_leaf 105
    method_leaf 106
    compare_leaf 107
    thread_leaf 108
    handler_leaf 109
}

fn main() {
    black_box(plain_first());
    black_box(closures());
    black_box((generic::<u64>(), generic::<String>()));
    black_box(recursion(10));
    black_box(method_caller(black_box(&Circle)));
    sorting();
    let worker = std::thread::Builder::new().name("worker".into());
    black_box(worker.spawn(thread_first).unwrap().join().unwrap());
    signals();
    say!("functions with a frame pointer {}", with_frame_pointer());
}

/// How many functions of the first chain set up a frame pointer. Compilers begin these with `push rbp; mov rbp, rsp`.
fn with_frame_pointer() -> usize {
    const PROLOGUE: [u8; 4] = [0x55, 0x48, 0x89, 0xe5];
    let functions: [fn() -> Block; 4] = [plain_first, plain_second, plain_third, plain_leaf];
    // SAFETY: the code of a function is readable, and each of these is longer than four bytes: it calls another.
    let begins = |function: fn() -> Block| unsafe { (function as *const [u8; 4]).read_unaligned() };
    functions.into_iter().filter(|&function| begins(function) == PROLOGUE).count()
}

#[inline(never)]
fn plain_first() -> Block {
    black_box(plain_second())
}

#[inline(never)]
fn plain_second() -> Block {
    black_box(plain_third())
}

#[inline(never)]
fn plain_third() -> Block {
    black_box(plain_leaf())
}

#[inline(never)]
fn closures() -> Block {
    let number = black_box(7);
    let closure = |other| {
        assert_eq!(number, other);
        black_box(closure_leaf())
    };
    black_box(call(black_box(&closure), number))
}

#[inline(never)]
fn call(closure: &dyn Fn(usize) -> Block, number: usize) -> Block {
    black_box(closure(number))
}

trait Leaf {
    fn leaf() -> Block;
}

impl Leaf for u64 {
    fn leaf() -> Block {
        number_leaf()
    }
}

impl Leaf for String {
    fn leaf() -> Block {
        text_leaf()
    }
}

#[inline(never)]
fn generic<T: Leaf>() -> Block {
    black_box(T::leaf())
}

#[inline(never)]
fn recursion(more: usize) -> Block {
    if more > 1 { black_box(recursion(black_box(more - 1))) } else { black_box(recursion_leaf()) }
}

trait Shape {
    fn draw(&self) -> Block;
}

struct Circle;

impl Shape for Circle {
    #[inline(never)]
    fn draw(&self) -> Block {
        black_box(method_leaf())
    }
}

#[inline(never)]
fn method_caller(shape: &dyn Shape) -> Block {
    black_box(shape.draw())
}

#[inline(never)]
fn sorting() {
    let mut numbers = [3u32, 1, 2];
    // SAFETY: the array has three elements of the size that is passed and that `compare` expects.
    unsafe { libc::qsort(numbers.as_mut_ptr().cast(), 3, size_of::<u32>(), Some(compare)) };
    assert_eq!(black_box(numbers), [1, 2, 3]);
}

#[inline(never)]
extern "C" fn compare(a: *const libc::c_void, b: *const libc::c_void) -> libc::c_int {
    black_box(compare_leaf());
    // SAFETY: `qsort` passes elements of the array.
    let (a, b) = unsafe { (*a.cast::<u32>(), *b.cast::<u32>()) };
    a.cmp(&b) as libc::c_int
}

#[inline(never)]
fn thread_first() -> Block {
    black_box(thread_second())
}

#[inline(never)]
fn thread_second() -> Block {
    black_box(thread_leaf())
}

#[inline(never)]
fn signals() {
    // SAFETY: the handler has the right signature. This thread raises the signal here, outside any allocation, so an
    // allocation in the handler interrupts nothing.
    unsafe {
        libc::signal(libc::SIGUSR1, handler as *const () as libc::sighandler_t);
        assert_eq!(libc::raise(libc::SIGUSR1), 0);
    }
}

#[inline(never)]
extern "C" fn handler(_: libc::c_int) {
    black_box(handler_leaf());
}
