//! Two threads that walk at random through every kind of frame, and allocate on the way: `compared exact|by-key
//! EVENTS`. At each event the tracker's capture is compared, frame by frame, with a walk that uses no memory of
//! earlier ones, and on x86_64 also with the C runtime's unwinder.
//!
//! `by-key` is a planted bug: its memory takes one stack for another with the same registers and the same two
//! innermost callers. It shows that these walks produce such stacks.
//!
//! `compared seen|unseen PLUGIN PLUGIN` instead loads and unloads two libraries in turn. `unseen` is a planted bug:
//! the tracker does not see that they are unloaded.

#[cfg(target_arch = "x86_64")]
mod frames;
mod plugins;
mod unwinders;
mod walk;

use std::alloc::{GlobalAlloc, System};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use memtrack::{Cfi, Host, MEMTRACK_REGION, Tracker};
use memtrack_tests::say;
use unwinders::{ByKey, Compared};
use walk::Walk;

static EXACT_REGION: memtrack::DefaultRegion = memtrack::Region::new();
static EXACT: Tracker<System, Compared<Cfi>> = Tracker::with(System, Compared(Cfi), Host, &EXACT_REGION);
static BY_KEY: Tracker<System, Compared<ByKey>> =
    Tracker::with(System, Compared(ByKey), Host, &MEMTRACK_REGION);

/// Results of the comparisons.
static EVENTS: AtomicU64 = AtomicU64::new(0);
static RECALLED: AtomicU64 = AtomicU64::new(0);
static TOO_DEEP: AtomicU64 = AtomicU64::new(0);
/// Stacks that were cut because the stack table was full.
static CUT: AtomicU64 = AtomicU64::new(0);
static DIFFERENT: AtomicU64 = AtomicU64::new(0);
/// Stacks that differ from those that the C runtime finds.
static DIFFERENT_FROM_RUNTIME: AtomicU64 = AtomicU64::new(0);

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match &arguments[..] {
        [memory, events] if memory == "exact" => wander(&EXACT, events),
        [memory, events] if memory == "by-key" => wander(&BY_KEY, events),
        [unloading, one, other] => {
            plugins::run(&EXACT, &[one.clone(), other.clone()], unloading == "seen");
        }
        _ => panic!("compared exact|by-key EVENTS, compared seen|unseen PLUGIN PLUGIN"),
    }
    let tell = |name: &str, count: &AtomicU64| say!("{name} {}", count.load(Relaxed));
    tell("events", &EVENTS);
    tell("recalled", &RECALLED);
    tell("too deep", &TOO_DEEP);
    tell("cut", &CUT);
    tell("different", &DIFFERENT);
    tell("different from the runtime", &DIFFERENT_FROM_RUNTIME);
}

fn wander(heap: &'static (dyn GlobalAlloc + Sync), events: &str) {
    let events: u64 = events.parse().expect("a number of events");
    // While the hook runs for the first event, an event of another thread would have no stack.
    Walk::new(heap, 1).run(1);
    let other = std::thread::spawn(move || Walk::new(heap, 77).run(events / 2));
    Walk::new(heap, 4711).run(events / 2);
    other.join().expect("the other thread does not panic");
}
