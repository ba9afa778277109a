//! A pipeline of stages: which of them needs the most memory, and which blocks are alive then?
//!
//! ```text
//! MEMTRACK_DUMP=staged.memtrack cargo run --release -p memtrack-examples --example staged
//! memtrack-fold staged.memtrack --stage sort -m peak -o sort.svg
//! ```

use memtrack::Tracker;
use std::alloc::System;

#[global_allocator]
static HEAP: Tracker<System> = Tracker::new(System);

fn main() {
    let lines = {
        let _read = HEAP.stage("read");
        read()
    };
    let words = {
        let _split = HEAP.stage("split");
        // A stage inside a stage: the outer peak is at least the inner one.
        let mut words = split(&lines);
        HEAP.in_stage("sort", || sort(&mut words));
        words
    };
    println!("{} words, {} of them different", words.len(), different(&words));
    println!("{}", HEAP.report());
}

fn read() -> Vec<String> {
    (0..20_000).map(|i| format!("the {i}th line says what the {}th said", i / 7)).collect()
}

fn split(lines: &[String]) -> Vec<String> {
    lines.iter().flat_map(|line| line.split(' ')).map(str::to_owned).collect()
}

/// Sorts by a copied key. This makes it the stage with the highest peak.
fn sort(words: &mut [String]) {
    words.sort_by_cached_key(|word| word.chars().rev().collect::<String>());
}

fn different(sorted: &[String]) -> usize {
    sorted.chunk_by(|a, b| a == b).count()
}
