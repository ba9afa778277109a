//! The tracker is transparent: alignment, contents, zeroes, failures, lazily zeroed pages and `errno` are those of
//! the inner allocator.

use std::alloc::{GlobalAlloc, Layout, System};

use memtrack::{DefaultPlatform, DefaultUnwind, Region, Tracker};
use proptest::prelude::*;

type Small = Region<4096, 4096, 64, 8, 8, 64>;

static REGION: Small = Region::new();
static HEAP: Tracker<System, DefaultUnwind, DefaultPlatform, Small> = Tracker::with_region(System, &REGION);

/// Bytes that are filled at each end of a block: small blocks are filled completely.
const EDGE: usize = 4096;

/// A block of the tracker or of the plain allocator.
struct Block<'a> {
    from: &'a dyn GlobalAlloc,
    start: *mut u8,
    layout: Layout,
}

impl<'a> Block<'a> {
    fn new(from: &'a dyn GlobalAlloc, layout: Layout, zeroed: bool) -> Option<Self> {
        // SAFETY: the size of the layout is not zero.
        let start = unsafe { if zeroed { from.alloc_zeroed(layout) } else { from.alloc(layout) } };
        (!start.is_null()).then(|| Block { from, start, layout })
    }

    /// Resizes the block. Returns whether it succeeded.
    fn resize(&mut self, size: usize) -> bool {
        // SAFETY: the block is live and has this layout; the size is not zero and fits a layout.
        let new = unsafe { self.from.realloc(self.start, self.layout, size) };
        if !new.is_null() {
            self.start = new;
            self.layout = Layout::from_size_align(size, self.layout.align()).unwrap();
        }
        !new.is_null()
    }

    fn is_aligned(&self) -> bool {
        (self.start as usize).is_multiple_of(self.layout.align())
    }

    /// The places that are written and read: both ends.
    fn places(&self) -> impl Iterator<Item = usize> + use<> {
        let size = self.layout.size();
        (0..size.min(EDGE)).chain(size.saturating_sub(EDGE).max(EDGE)..size)
    }

    fn fill(&mut self, seed: u8) {
        for place in self.places() {
            // SAFETY: the place lies in the block.
            unsafe { self.start.add(place).write(pattern(seed, place)) };
        }
    }

    fn byte(&self, place: usize) -> u8 {
        // SAFETY: the place lies in the block, and is written by `fill` or zeroed.
        unsafe { self.start.add(place).read() }
    }
}

impl Drop for Block<'_> {
    fn drop(&mut self) {
        // SAFETY: the block is live and has this layout.
        unsafe { self.from.dealloc(self.start, self.layout) };
    }
}

fn pattern(seed: u8, place: usize) -> u8 {
    seed ^ place as u8 ^ (place >> 8) as u8
}

/// Sizes near the powers of two, and near the largest size that a layout can have.
fn size() -> impl Strategy<Value = usize> {
    let near = |exponent: u32, offset: isize| (1usize << exponent).saturating_add_signed(offset).max(1);
    prop_oneof![
        8 => 1usize..300,
        4 => (0u32..23, -9isize..9).prop_map(move |(exponent, offset)| near(exponent, offset)),
        1 => (44u32..63, -9isize..9).prop_map(move |(exponent, offset)| near(exponent, offset)),
        2 => (0usize..1 << 17).prop_map(|less| isize::MAX as usize - less),
    ]
}

fn layout() -> impl Strategy<Value = Layout> {
    (size(), 0u32..17)
        .prop_filter_map("a layout", |(size, exponent)| Layout::from_size_align(size, 1 << exponent).ok())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn blocks_are_those_of_the_inner_allocator(
        layout in layout(), zeroed: bool, seed: u8, sizes in proptest::collection::vec(size(), 0..5)
    ) {
        let (mut tracked, mut plain) = (Block::new(&HEAP, layout, zeroed), Block::new(&System, layout, zeroed));
        prop_assert_eq!(tracked.is_some(), plain.is_some(), "{:?}", layout);
        let (Some(tracked), Some(plain)) = (&mut tracked, &mut plain) else { return Ok(()) };
        prop_assert!(tracked.is_aligned());
        if zeroed {
            prop_assert!(tracked.places().all(|place| tracked.byte(place) == 0));
        }
        tracked.fill(seed);
        plain.fill(seed);
        for size in sizes.into_iter().filter(|&size| Layout::from_size_align(size, layout.align()).is_ok()) {
            let old = tracked.layout.size();
            prop_assert_eq!(tracked.resize(size), plain.resize(size), "{} to {} bytes", old, size);
            prop_assert!(tracked.is_aligned());
            // The bytes at the front are preserved; `fill` writes the others.
            let kept = tracked.layout.size().min(old).min(EDGE);
            prop_assert!((0..kept).all(|place| tracked.byte(place) == pattern(seed, place)));
            tracked.fill(seed);
        }
        prop_assert!(tracked.places().all(|place| tracked.byte(place) == pattern(seed, place)));
    }
}

/// A size that no allocator can have is refused without a call, and changes nothing but a counter.
#[test]
fn sizes_that_would_overflow_are_refused() {
    static REGION: Small = Region::new();
    static HEAP: Tracker<System, DefaultUnwind, DefaultPlatform, Small> =
        Tracker::with_region(System, &REGION);
    let mut block = Block::new(&HEAP, Layout::new::<[u8; 100]>(), false).unwrap();
    block.fill(7);
    let before = HEAP.stats();
    for (failed, less) in (0..8).enumerate() {
        let huge = Layout::from_size_align(isize::MAX as usize - less, 1).unwrap();
        assert!(Block::new(&HEAP, huge, less % 2 == 0).is_none());
        assert!(!block.resize(huge.size()));
        assert_eq!(HEAP.stats().failed_allocs, before.failed_allocs + 2 * (failed as u64 + 1));
    }
    assert!(block.places().all(|place| block.byte(place) == pattern(7, place)));
    let after = HEAP.stats();
    assert_eq!((after.live_bytes, after.peak_bytes, after.total_allocs), (100, 100, before.total_allocs));
}

#[test]
fn zeroed_pages_stay_untouched() {
    const SIZE: usize = 1 << 30;
    const PAGE: usize = 4096;
    let block = Block::new(&HEAP, Layout::from_size_align(SIZE, 8).unwrap(), true)
        .expect("a gigabyte of address space");
    let begin = block.start as usize & !(PAGE - 1);
    let mut pages = vec![0u8; SIZE / PAGE];
    // SAFETY: the pages belong to the block's mapping, and the vector has a byte for each.
    let result = unsafe { libc::mincore(begin as *mut _, SIZE, pages.as_mut_ptr().cast()) };
    assert_eq!(result, 0);
    let resident = pages.iter().filter(|&&page| page & 1 == 1).count();
    assert!(resident <= 2, "{resident} pages of a zeroed gigabyte are in memory");
    assert_eq!(block.byte(SIZE / 2), 0);
}

/// A successful allocator may change errno, but the tracker does not.
#[test]
fn errno_is_left_alone() {
    // SAFETY: the location is the calling thread's own.
    let errno = unsafe { &mut *libc::__errno_location() };
    // In the first round everything happens for the first time on this thread: its slot, its stack, its memory.
    for _ in 0..3 {
        *errno = 4711;
        let mut block = Block::new(&HEAP, Layout::new::<[u8; 64]>(), false).unwrap();
        assert!(block.resize(128));
        drop(block);
        assert_eq!(*errno, 4711);
    }
}

/// Allocates nothing, and ignores frees.
struct Nothing;

// SAFETY: it allocates no block.
unsafe impl GlobalAlloc for Nothing {
    unsafe fn alloc(&self, _: Layout) -> *mut u8 {
        std::ptr::null_mut()
    }

    unsafe fn dealloc(&self, _: *mut u8, _: Layout) {}
}

/// The trailer of a foreign block would lie in a page that cannot be read. The system call that finds this out fails.
#[test]
fn errno_is_left_alone_by_calls_that_fail() {
    static REGION: Small = Region::new();
    static HEAP: Tracker<Nothing, DefaultUnwind, DefaultPlatform, Small> =
        Tracker::with_region(Nothing, &REGION);
    // SAFETY: the pages are new, and the second one stays inaccessible.
    let (block, page) = unsafe {
        let page = libc::sysconf(libc::_SC_PAGESIZE) as usize;
        let (access, flags) = (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS);
        let block = libc::mmap(std::ptr::null_mut(), 2 * page, access, flags, -1, 0);
        assert_ne!(block, libc::MAP_FAILED);
        assert_eq!(libc::mprotect(block.byte_add(page), page, libc::PROT_NONE), 0);
        (block.cast(), page)
    };
    // SAFETY: the location is the calling thread's own.
    let errno = unsafe { &mut *libc::__errno_location() };
    *errno = 4711;
    // SAFETY: the block has this size; a tracker passes foreign blocks on.
    unsafe { HEAP.dealloc(block, Layout::from_size_align(page, 16).unwrap()) };
    assert_eq!(*errno, 4711);
}
