//! Spans, which are stages of a single thread, with a file that collects their cells: `spans`. The suite `spans` has
//! the expected figures.
//!
//! It prints the live bytes of a thread before its first span, so that every other number is this file's own.

use std::alloc::System;
use std::hint::black_box;
use std::sync::{Barrier, Mutex};

use memtrack::Tracker;
use memtrack_tests::say;

#[global_allocator]
static HEAP: Tracker<System> = Tracker::new(System);

fn main() {
    let named = |name: &str| std::thread::Builder::new().name(name.into());
    std::thread::scope(|scope| {
        named("nesting").spawn_scoped(scope, nesting).unwrap();
    });
    std::thread::scope(|scope| {
        named("freeing").spawn_scoped(scope, freeing).unwrap();
        named("handing").spawn_scoped(scope, handing).unwrap();
    });
}

fn told<T>(name: &str, work: impl FnOnce() -> T) -> T {
    say!("{name} before {}", HEAP.thread_stats().live_bytes);
    HEAP.in_thread_stage(name, work)
}

#[inline(never)]
fn wide(size: usize) -> Vec<u8> {
    black_box(Vec::with_capacity(black_box(size)))
}

#[inline(never)]
fn narrow(size: usize) -> Vec<u8> {
    // Otherwise the linker would merge it with `wide`.
    black_box("narrow");
    black_box(Vec::with_capacity(black_box(size)))
}

#[inline(never)]
fn grown(mut block: Vec<u8>, size: usize) -> Vec<u8> {
    block.reserve_exact(black_box(size));
    black_box(block)
}

/// Nested spans: the outer ones keep the highest peak that they have seen.
fn nesting() {
    told("outer", || {
        let kept = wide(1000);
        drop(narrow(5000));
        told("inner", || {
            drop(narrow(300));
            let (one, two) = (wide(200), narrow(400));
            drop((one, two));
            drop(narrow(500));
        });
        // The same name again, with a higher and a lower peak.
        told("again", || drop(wide(10)));
        told("again", || drop(wide(70)));
        told("again", || drop(wide(30)));
        drop(kept);
    });
    told("resized", || {
        let block = grown(narrow(100), 900);
        let other = narrow(50);
        drop(block);
        let small = wide(20);
        drop((other, small));
    });
    // A stage of the process, a reset and a scope do not change the span.
    told("undisturbed", || {
        let block = wide(4000);
        drop(narrow(2000));
        {
            let _process = HEAP.stage("process");
            drop(narrow(10));
            HEAP.reset_peak();
        }
        let (_, heap) = HEAP.scope(|| drop(narrow(30)));
        say!("scope peak {}", heap.peak_bytes);
        HEAP.reset_thread_peak();
        drop(block);
    });
}

static HANDED: Mutex<Vec<Vec<u8>>> = Mutex::new(Vec::new());
static FULL: Barrier = Barrier::new(2);
static FREED: Barrier = Barrier::new(2);

/// Another thread frees the blocks of the peak, while this one waits.
fn handing() {
    let mut blocks = Vec::with_capacity(100);
    told("handed", || {
        blocks.extend((0..100).map(|_| wide(30)));
        *HANDED.lock().unwrap() = blocks;
        FULL.wait();
        FREED.wait();
        drop(narrow(40));
    });
}

fn freeing() {
    told("freeing", || {
        FULL.wait();
        HANDED.lock().unwrap().clear();
        FREED.wait();
    });
}
