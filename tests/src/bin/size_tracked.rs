//! A small program under the tracker: how much larger is its binary, and how much memory does it take?

mod size_work;

use std::alloc::System;
use std::hint::black_box;

use memtrack::{DefaultRegion, MEMTRACK_REGION, Tracker};

#[global_allocator]
static HEAP: Tracker<System> = Tracker::new(System);

fn main() {
    size_work::run();
    println!("resident {}", size_work::resident());
    println!("region {}", size_of::<DefaultRegion>() / 1024);
    println!("region resident {}", region_resident());
    // Two to the power of fifteen different stacks.
    black_box(branch(15));
    println!("region resident later {}", region_resident());
}

/// Kilobytes of the tracker's region that are in memory.
fn region_resident() -> usize {
    const PAGE: usize = 4096;
    let mut pages = vec![0u8; size_of::<DefaultRegion>() / PAGE];
    // SAFETY: the region is mapped and aligned to a page; there is a byte for each of its pages.
    let result = unsafe {
        let region = std::ptr::from_ref(&MEMTRACK_REGION).cast_mut().cast();
        libc::mincore(region, pages.len() * PAGE, pages.as_mut_ptr().cast())
    };
    assert_eq!(result, 0);
    pages.iter().filter(|&&page| page & 1 == 1).count() * PAGE / 1024
}

/// Calls itself from two places, and so on: every way down is another stack.
#[inline(never)]
fn branch(depth: usize) -> usize {
    if depth == 0 {
        return usize::from(*black_box(Box::new(1u8)));
    }
    let left = black_box(branch(depth - 1));
    left + black_box(branch(depth - 1))
}
