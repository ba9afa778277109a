//! A small program under the tracker, to measure the growth of its binary and its memory.

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
    // 2^15 different stacks.
    black_box(branch(15));
    println!("region resident later {}", region_resident());
}

/// Resident kilobytes of the tracker's region.
fn region_resident() -> usize {
    const PAGE: usize = 4096;
    let mut pages = vec![0u8; size_of::<DefaultRegion>() / PAGE];
    // SAFETY: the region is mapped and aligned to a page; the vector has a byte for each of its pages.
    let result = unsafe {
        let region = std::ptr::from_ref(&MEMTRACK_REGION).cast_mut().cast();
        libc::mincore(region, pages.len() * PAGE, pages.as_mut_ptr().cast())
    };
    assert_eq!(result, 0);
    pages.iter().filter(|&&page| page & 1 == 1).count() * PAGE / 1024
}

/// Calls itself from two places at each level, so that every path is a different stack.
#[inline(never)]
fn branch(depth: usize) -> usize {
    if depth == 0 {
        return usize::from(*black_box(Box::new(1u8)));
    }
    let left = black_box(branch(depth - 1));
    left + black_box(branch(depth - 1))
}
