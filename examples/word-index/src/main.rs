//! The index under the tracker: one `static`, and a guard for each stage.

use std::alloc::System;

use anyhow::{Context, Result};
use memtrack::Tracker;
use word_index::Options;

#[global_allocator]
static HEAP: Tracker<System> = Tracker::new(System);

fn main() -> Result<()> {
    let options = Options::from_args()?;
    // The index lives on, so report and dump show the memory that the program holds when its work is done.
    let _index = word_index::run(&options, |stage| HEAP.stage(stage))?;
    // Standard output has the result; the report goes elsewhere.
    eprintln!("{}", HEAP.report());
    match &options.dump {
        Some(path) => HEAP.dump_to_path(path).with_context(|| format!("cannot write {}", path.display())),
        None => Ok(()),
    }
}
