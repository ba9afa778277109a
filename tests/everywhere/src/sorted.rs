//! Stacks through the C library: its `qsort` calls back a function that allocates.

use std::cell::RefCell;
use std::ffi::{c_int, c_void};
use std::hint::black_box;

use crate::{Done, HEAP, block};

unsafe extern "C" {
    fn qsort(
        base: *mut c_void,
        count: usize,
        size: usize,
        compare: extern "C" fn(*const c_void, *const c_void) -> c_int,
    );
}

thread_local! {
    /// The blocks that comparisons have allocated.
    static KEPT: RefCell<Vec<Vec<u8>>> = const { RefCell::new(Vec::new()) };
}

/// Sorts some numbers. Each comparison keeps a block of 100 bytes.
pub(crate) fn run(dump: &str) -> Done {
    KEPT.with_borrow_mut(|kept| kept.reserve(1000));
    let mut numbers: Vec<u32> = (0..20).map(|number| number * 7 % 20).collect();
    sort(&mut numbers);
    assert!(numbers.is_sorted());
    let dumped = HEAP.dump_to_path(dump);
    KEPT.with_borrow_mut(Vec::clear);
    dumped
}

#[inline(never)]
fn sort(numbers: &mut [u32]) {
    // SAFETY: the numbers are so many, and of that size. The function compares two of them.
    unsafe { qsort(numbers.as_mut_ptr().cast(), numbers.len(), size_of::<u32>(), compare) };
    black_box(numbers);
}

extern "C" fn compare(a: *const c_void, b: *const c_void) -> c_int {
    let _tag = HEAP.tag("work");
    KEPT.with_borrow_mut(|kept| kept.push(block(100)));
    // SAFETY: `qsort` passes two of the numbers.
    let [a, b] = [a, b].map(|number| unsafe { number.cast::<u32>().read() });
    a.cmp(&b) as c_int
}
