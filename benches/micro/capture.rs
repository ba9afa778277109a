//! The capture of a stack with its id, apart from its event, compared with other unwinders that find only the
//! addresses.
//!
//! Every figure includes the way to the stacks, which `nothing` measures alone. The rest is the capture.

mod inside;
mod peers;

use std::alloc::{GlobalAlloc, Layout, System};
use std::hint::black_box;

use criterion::Criterion;
use inside::{Hook, Inside, deep_and_here};
use memtrack::{Cfi, DefaultRegion, FramePointer, Host, Region, Tracker, Unwind};
use memtrack_benches::STACKS;
use peers::{Addresses, Framehop, Libunwind};

static CFI_REGION: DefaultRegion = Region::new();
static CFI: Tracker<System, Inside<Cfi>> =
    Tracker::with(System, Inside::new(Cfi, |hook| ours("cfi", hook)), Host, &CFI_REGION);

static CHAIN_REGION: DefaultRegion = Region::new();
static CHAIN: Tracker<System, Inside<FramePointer>> =
    Tracker::with(System, Inside::new(FramePointer, |hook| ours("frame-pointer", hook)), Host, &CHAIN_REGION);

fn main() {
    compare("nothing", || _ = black_box(0));
    for heap in [&CFI as &dyn GlobalAlloc, &CHAIN] {
        deep_and_here(|| {
            // SAFETY: the size of the layout is not zero. The block is never freed.
            black_box(unsafe { heap.alloc(Layout::new::<u64>()) });
        });
    }
    theirs("libgcc", peers::libgcc);
    theirs("backtrace", peers::backtrace_crate);
    match Libunwind::open() {
        Some(libunwind) => theirs("libunwind", |into| libunwind.walk(into)),
        None => eprintln!("GNU libunwind is left out: it is not installed (apt install libunwind8)"),
    }
    let mut framehop = Framehop::new();
    theirs("framehop", |into| framehop.walk(into));
    Criterion::default().configure_from_args().final_summary();
}

fn ours<U: Unwind>(name: &str, mut hook: Hook<'_, U>) {
    for (which, stacks) in STACKS {
        let mut found = None;
        stacks.time(1, || found = hook.frames());
        match found {
            None | Some(0) => {
                return eprintln!("{name} is left out: this program was not compiled for it");
            }
            Some(found) => {
                assert_eq!(found, stacks.frames, "{which}: wrong number of frames")
            }
        }
    }
    compare(name, || hook.capture());
}

fn theirs(name: &str, mut walk: impl FnMut(&mut Addresses)) {
    let mut into = Addresses::new();
    for (which, stacks) in STACKS {
        stacks.time(1, || walk(&mut into));
        // Some also report frames of their own, some miss the outermost ones.
        let found = into.count();
        assert!(found.abs_diff(stacks.frames) <= 3, "{name}, {which}: {found} frames of {}", stacks.frames);
    }
    compare(name, || walk(&mut into));
}

/// Measures `work` under each kind of stacks.
fn compare(name: &str, mut work: impl FnMut()) {
    let mut criterion = Criterion::default().configure_from_args();
    let mut group = criterion.benchmark_group(name);
    for (which, stacks) in STACKS {
        group.bench_function(which, |bencher| bencher.iter_custom(|events| stacks.time(events, &mut work)));
    }
    group.finish();
}
