//! The same program on the plain system allocator, to compare with `word-index`.

use std::alloc::System;

use anyhow::{Result, ensure};
use word_index::Options;

#[global_allocator]
static HEAP: System = System;

fn main() -> Result<()> {
    let options = Options::from_args()?;
    ensure!(options.dump.is_none(), "nothing is tracked here: run `word-index` for --dump");
    word_index::run(&options, |_stage| ())?;
    Ok(())
}
