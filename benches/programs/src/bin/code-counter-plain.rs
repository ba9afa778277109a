//! The program on the system allocator.

use std::alloc::System;

#[global_allocator]
static HEAP: System = System;

fn main() -> anyhow::Result<()> {
    programs::plain(programs::code_counter::run)
}
