//! Replays a [script](memtrack_tests::script) on a tracker: `replay REGION DUMP <SCRIPT`. After each step it prints
//! the tracker's figures of the program and of the step's thread.
//!
//! The tracker is not the program's own allocator, so that it sees only the events of the script. Its threads are those of the
//! system, or the contexts of a [platform that the tests made up](memtrack_tests::made_up).

mod steps;

use std::alloc::System;
use std::io::Read;
use std::sync::{Mutex, mpsc};

use memtrack::{DefaultPlatform, DefaultUnwind, Platform, Region, Tables, Tracker};
use memtrack_tests::allocators::FailEvery;
use memtrack_tests::made_up::MadeUp;
use memtrack_tests::script::{Event, Step, THREADS};
use steps::{Heap, Own, Shared};

/// A tracker with a region of its own.
macro_rules! heap {
    ($name:ident, $region:ident, $type:ty) => {
        static $region: $type = Region::new();
        static $name: Heap<DefaultPlatform, $type> = Tracker::with_region(FailEvery::new(System), &$region);
    };
}
type Ample = Region<4096, 4096, 16, 32, 64, 64>;
heap!(AMPLE, AMPLE_REGION, Ample);
heap!(SMALL, SMALL_REGION, Region<16, 16, 4, 2, 2, 24>);
heap!(TINY, TINY_REGION, Region<4, 4, 3, 1, 1, 4>);

static PLATFORM: MadeUp = MadeUp::new();
static ELSEWHERE_REGION: Ample = Region::new();
static ELSEWHERE: Heap<&MadeUp, Ample> =
    Tracker::with(FailEvery::new(System), DefaultUnwind {}, &PLATFORM, &ELSEWHERE_REGION);

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let mut script = String::new();
    std::io::stdin().read_to_string(&mut script).unwrap();
    let script: Vec<Event> = script.lines().map(|line| line.parse().unwrap()).collect();
    let dump = &arguments[2];
    match arguments[1].as_str() {
        "ample" => by_threads(&AMPLE, &script, dump),
        "small" => by_threads(&SMALL, &script, dump),
        "tiny" => by_threads(&TINY, &script, dump),
        "made-up" => by_contexts(&script, dump),
        other => panic!("no region {other}"),
    }
}

/// On threads of the system, of which one runs at a time.
fn by_threads<R: Tables>(heap: &'static Heap<DefaultPlatform, R>, script: &[Event], dump: &str) {
    let shared = &Mutex::new(Shared::default());
    std::thread::scope(|scope| {
        let (done, turn) = mpsc::channel();
        let threads: [_; THREADS] = std::array::from_fn(|i| {
            let (steps, mine) = mpsc::channel::<Step>();
            let done = done.clone();
            let work = move || {
                let mut own = Own::default();
                for step in mine {
                    steps::step(heap, &mut shared.lock().unwrap(), &mut own, step);
                    done.send(()).unwrap();
                }
                // The threads wait for the dump: tags and stages would end in any order at their ends.
                std::mem::forget(own);
            };
            std::thread::Builder::new().name(format!("w{i}")).spawn_scoped(scope, work).unwrap();
            steps
        });
        for event in script {
            threads[usize::from(event.thread)].send(event.step).unwrap();
            turn.recv().unwrap();
        }
        finish(heap, dump);
    });
}

/// On contexts of the made-up platform, which one thread of the system runs in turn.
fn by_contexts(script: &[Event], dump: &str) {
    let run = || {
        PLATFORM.start();
        let mut shared = Shared::default();
        let mut contexts: [_; THREADS] = std::array::from_fn(|_| Own::default());
        for event in script {
            let context = usize::from(event.thread);
            PLATFORM.switch_to(context);
            steps::step(&ELSEWHERE, &mut shared, &mut contexts[context], event.step);
        }
        finish(&ELSEWHERE, dump);
        std::mem::forget(contexts);
    };
    std::thread::scope(|scope| scope.spawn(run).join().unwrap());
}

fn finish<P: Platform, R: Tables>(heap: &Heap<P, R>, dump: &str) {
    heap.dump_to_path(dump).unwrap();
    print!("{}", heap.report());
}
