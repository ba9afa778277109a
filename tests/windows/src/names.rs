//! Threads with names, each of which has one block of its own size. One still runs when the dump is written.

use std::hint::black_box;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::{self, JoinHandle};

use crate::HEAP;

/// The names: one is longer than the tracker's, one has letters of two bytes, one is empty.
const NAMES: [&str; 4] = ["short", "a-name-of-more-than-15", "größte-größen", ""];

/// Starts a thread that says when it has its block, and keeps it until `end` says so, by a message or an error.
fn start(name: &str, bytes: usize, ready: Sender<()>, end: Receiver<()>) -> JoinHandle<Vec<u8>> {
    let work = move || {
        let block = {
            let _tag = HEAP.tag("work");
            black_box(Vec::with_capacity(black_box(bytes)))
        };
        let _ = ready.send(());
        let _ = end.recv();
        block
    };
    let builder = thread::Builder::new();
    let builder = if name.is_empty() { builder } else { builder.name(name.to_owned()) };
    builder.spawn(work).expect("a thread starts")
}

pub(crate) fn run(dump: &str) -> bool {
    let (ready, are_ready) = channel();
    let mut threads = Vec::new();
    for (number, name) in NAMES.iter().enumerate() {
        let (end, ended) = channel();
        threads.push((start(name, 1000 + number, ready.clone(), ended), end));
    }
    let all_ready = NAMES.iter().all(|_| are_ready.recv().is_ok());
    let last = threads.pop();
    let end = |(thread, end): (JoinHandle<Vec<u8>>, Sender<()>)| {
        drop(end);
        thread.join()
    };
    let blocks: Vec<_> = threads.into_iter().map(end).collect();
    let dumped = HEAP.dump_to_path(dump).is_ok();
    let blocks = blocks.into_iter().chain(last.map(end));
    all_ready && dumped && blocks.filter(Result::is_ok).count() == NAMES.len()
}
