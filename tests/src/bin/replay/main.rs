//! Replays a [script](memtrack_tests::script) on a tracker: `replay REGION DUMP <SCRIPT`. After each step it prints
//! the tracker's figures of the program and of the step's thread.
//!
//! The tracker is not the program's own allocator, so that it sees only the events of the script.

use std::alloc::{GlobalAlloc, Layout, System};
use std::hint::black_box;
use std::io::Read;
use std::sync::{Mutex, mpsc};

use memtrack::{
    DefaultPlatform, DefaultUnwind, Region, StageGuard, Stats, Tables, TagGuard, ThreadStageGuard, Tracker,
};
use memtrack_tests::allocators::FailEvery;
use memtrack_tests::say;
use memtrack_tests::script::{Event, NAMES, Step, THREADS, align};

type Heap<R> = Tracker<FailEvery<System>, DefaultUnwind, DefaultPlatform, R>;
type Span<R> = ThreadStageGuard<'static, FailEvery<System>, DefaultUnwind, DefaultPlatform, R>;

/// A tracker with a region of its own.
macro_rules! heap {
    ($name:ident, $region:ident, $type:ty) => {
        static $region: $type = Region::new();
        static $name: Heap<$type> = Tracker::with_region(FailEvery::new(System), &$region);
    };
}
heap!(AMPLE, AMPLE_REGION, Region<4096, 4096, 16, 32, 64, 64>);
heap!(SMALL, SMALL_REGION, Region<16, 16, 4, 2, 2, 24>);
heap!(TINY, TINY_REGION, Region<4, 4, 3, 1, 1, 4>);

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let mut script = String::new();
    std::io::stdin().read_to_string(&mut script).unwrap();
    let script: Vec<Event> = script.lines().map(|line| line.parse().unwrap()).collect();
    let dump = &arguments[2];
    match arguments[1].as_str() {
        "ample" => replay(&AMPLE, &script, dump),
        "small" => replay(&SMALL, &script, dump),
        "tiny" => replay(&TINY, &script, dump),
        other => panic!("no region {other}"),
    }
}

/// The state that the threads share. Only one thread runs at a time.
struct State<R: Tables> {
    blocks: Vec<Block>,
    stages: Vec<StageGuard<'static, FailEvery<System>, DefaultUnwind, DefaultPlatform, R>>,
}

struct Block {
    start: *mut u8,
    layout: Layout,
}

// SAFETY: any thread may own a block.
unsafe impl Send for Block {}

fn replay<R: Tables>(heap: &'static Heap<R>, script: &[Event], dump: &str) {
    let state = &Mutex::new(State::<R> { blocks: Vec::new(), stages: Vec::new() });
    std::thread::scope(|scope| {
        let (done, turn) = mpsc::channel();
        let threads: [_; THREADS] = std::array::from_fn(|i| {
            let (steps, mine) = mpsc::channel::<Step>();
            let done = done.clone();
            let work = move || {
                let (mut tags, mut spans) = (Vec::new(), Vec::new());
                for step in mine {
                    take(heap, &mut state.lock().unwrap(), &mut tags, &mut spans, step);
                    tell("program", &heap.stats());
                    tell("thread", &heap.thread_stats());
                    done.send(()).unwrap();
                }
                // The threads wait for the dump: tags and stages would end in any order at their ends.
                std::mem::forget((tags, spans));
            };
            std::thread::Builder::new().name(format!("w{i}")).spawn_scoped(scope, work).unwrap();
            steps
        });
        for event in script {
            threads[usize::from(event.thread)].send(event.step).unwrap();
            turn.recv().unwrap();
        }
        heap.dump_to_path(dump).unwrap();
        print!("{}", heap.report());
    });
}

fn take<R: Tables>(
    heap: &'static Heap<R>,
    state: &mut State<R>,
    tags: &mut Vec<TagGuard<'static>>,
    spans: &mut Vec<Span<R>>,
    step: Step,
) {
    let layout = |size: usize| Layout::from_size_align(size, align(size)).unwrap();
    match step {
        Step::Alloc { depth, size } => {
            // SAFETY: the layout is not of size zero.
            keep(state, layout(size), deep(depth, &|| unsafe { heap.alloc(layout(size)) }))
        }
        Step::Zeroed { depth, size } => {
            // SAFETY: as above.
            keep(state, layout(size), deep(depth, &|| unsafe { heap.alloc_zeroed(layout(size)) }));
        }
        Step::Huge { depth } => {
            let huge = Layout::from_size_align(isize::MAX as usize, 1).unwrap();
            // SAFETY: as above.
            assert!(deep(depth, &|| unsafe { heap.alloc(huge) }).is_null());
        }
        Step::Realloc { depth, block, size } => {
            let place = block.checked_rem(state.blocks.len());
            let Some(block) = place.map(|place| &mut state.blocks[place]) else { return };
            let (start, layout) = (block.start, block.layout);
            // SAFETY: the block is live and has this layout; the size is not zero and far below the limit.
            let new = deep(depth, &|| unsafe { heap.realloc(start, layout, size) });
            if !new.is_null() {
                *block = Block { start: new, layout: Layout::from_size_align(size, layout.align()).unwrap() };
            }
        }
        Step::Free { block } => {
            if let Some(place) = block.checked_rem(state.blocks.len()) {
                let Block { start, layout } = state.blocks.swap_remove(place);
                // SAFETY: the block is live and has this layout, and no other code has it any more.
                unsafe { heap.dealloc(start, layout) };
            }
        }
        Step::FailEvery { every } => heap.inner().fail_every(every),
        Step::ResetPeak => heap.reset_peak(),
        Step::BeginStage { name } => state.stages.push(heap.stage(NAMES[usize::from(name)])),
        Step::EndStage { stage } => {
            if let Some(place) = stage.checked_rem(state.stages.len()) {
                drop(state.stages.remove(place));
            }
        }
        Step::ResetThreadPeak => heap.reset_thread_peak(),
        Step::BeginSpan { name } => spans.push(heap.thread_stage(NAMES[usize::from(name)])),
        Step::EndSpan => drop(spans.pop()),
        Step::PushTag { name } => tags.push(heap.tag(NAMES[usize::from(name)])),
        Step::PopTag => drop(tags.pop()),
        Step::Pause => heap.pause(),
        Step::Resume => heap.resume(),
    }
}

fn keep<R: Tables>(state: &mut State<R>, layout: Layout, start: *mut u8) {
    if !start.is_null() {
        state.blocks.push(Block { start, layout });
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
