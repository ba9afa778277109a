//! The steps of a script, taken on a tracker.

use std::alloc::{GlobalAlloc, Layout, System};
use std::hint::black_box;

use memtrack::{DefaultUnwind, Platform, StageGuard, Stats, Tables, TagGuard, ThreadStageGuard, Tracker};
use memtrack_tests::allocators::FailEvery;
use memtrack_tests::say;
use memtrack_tests::script::{NAMES, Step, align};

pub type Heap<P, R> = Tracker<FailEvery<System>, DefaultUnwind, P, R>;

/// What the threads share: the blocks and the stages of the program.
pub struct Shared<P: Platform + 'static, R: Tables> {
    blocks: Vec<Block>,
    stages: Vec<StageGuard<'static, FailEvery<System>, DefaultUnwind, P, R>>,
}

impl<P: Platform, R: Tables> Default for Shared<P, R> {
    fn default() -> Self {
        Shared { blocks: Vec::new(), stages: Vec::new() }
    }
}

/// What a thread has: its tags and stages.
pub struct Own<P: Platform + 'static, R: Tables> {
    tags: Vec<TagGuard<'static>>,
    stages: Vec<ThreadStageGuard<'static, FailEvery<System>, DefaultUnwind, P, R>>,
}

impl<P: Platform, R: Tables> Default for Own<P, R> {
    fn default() -> Self {
        Own { tags: Vec::new(), stages: Vec::new() }
    }
}

struct Block {
    start: *mut u8,
    layout: Layout,
}

// SAFETY: any thread may own a block.
unsafe impl Send for Block {}

/// Takes a step of the running thread, and prints the figures behind it.
pub fn step<P: Platform, R: Tables>(
    heap: &'static Heap<P, R>,
    shared: &mut Shared<P, R>,
    own: &mut Own<P, R>,
    step: Step,
) {
    take(heap, shared, own, step);
    tell("program", &heap.stats());
    tell("thread", &heap.thread_stats());
}

fn take<P: Platform, R: Tables>(
    heap: &'static Heap<P, R>,
    shared: &mut Shared<P, R>,
    own: &mut Own<P, R>,
    step: Step,
) {
    let layout = |size: usize| Layout::from_size_align(size, align(size)).unwrap();
    match step {
        Step::Alloc { depth, size } => {
            // SAFETY: the layout is not of size zero.
            keep(shared, layout(size), deep(depth, &|| unsafe { heap.alloc(layout(size)) }))
        }
        Step::Zeroed { depth, size } => {
            // SAFETY: as above.
            keep(shared, layout(size), deep(depth, &|| unsafe { heap.alloc_zeroed(layout(size)) }));
        }
        Step::Huge { depth } => {
            let huge = Layout::from_size_align(isize::MAX as usize, 1).unwrap();
            // SAFETY: as above.
            assert!(deep(depth, &|| unsafe { heap.alloc(huge) }).is_null());
        }
        Step::Realloc { depth, block, size } => {
            let place = block.checked_rem(shared.blocks.len());
            let Some(block) = place.map(|place| &mut shared.blocks[place]) else { return };
            let (start, layout) = (block.start, block.layout);
            // SAFETY: the block is live and has this layout; the size is not zero and far below the limit.
            let new = deep(depth, &|| unsafe { heap.realloc(start, layout, size) });
            if !new.is_null() {
                *block = Block { start: new, layout: Layout::from_size_align(size, layout.align()).unwrap() };
            }
        }
        Step::Free { block } => {
            if let Some(place) = block.checked_rem(shared.blocks.len()) {
                let Block { start, layout } = shared.blocks.swap_remove(place);
                // SAFETY: the block is live and has this layout, and no other code has it any more.
                unsafe { heap.dealloc(start, layout) };
            }
        }
        Step::FailEvery { every } => heap.inner().fail_every(every),
        Step::ResetPeak => heap.reset_peak(),
        Step::BeginStage { name } => shared.stages.push(heap.stage(NAMES[usize::from(name)])),
        Step::EndStage { stage } => {
            if let Some(place) = stage.checked_rem(shared.stages.len()) {
                drop(shared.stages.remove(place));
            }
        }
        Step::ResetThreadPeak => heap.reset_thread_peak(),
        Step::BeginSpan { name } => own.stages.push(heap.thread_stage(NAMES[usize::from(name)])),
        Step::EndSpan => drop(own.stages.pop()),
        Step::PushTag { name } => own.tags.push(heap.tag(NAMES[usize::from(name)])),
        Step::PopTag => drop(own.tags.pop()),
        Step::Pause => heap.pause(),
        Step::Resume => heap.resume(),
    }
}

fn keep<P: Platform, R: Tables>(shared: &mut Shared<P, R>, layout: Layout, start: *mut u8) {
    if !start.is_null() {
        shared.blocks.push(Block { start, layout });
    }
}

/// Calls `allocate` this many calls deeper: each depth has a stack of its own.
#[inline(never)]
fn deep(depth: u8, allocate: &dyn Fn() -> *mut u8) -> *mut u8 {
    if depth == 0 { black_box(allocate()) } else { black_box(deep(depth - 1, allocate)) }
}

fn tell(whose: &str, stats: &Stats) {
    say!(
        "{whose} {} {} {} {} {} {} {} {} {} {}",
        stats.live_bytes,
        stats.live_blocks,
        stats.peak_bytes,
        stats.peak_blocks,
        stats.total_bytes,
        stats.total_allocs,
        stats.total_frees,
        stats.reallocs,
        stats.temporary,
        stats.failed_allocs,
    );
}
