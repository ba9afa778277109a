//! The start of the program, before its `main`.

pub(crate) use super::super::unix::elf_start::run_before_main;

use super::thread_stack;
use crate::os::{dump_stack, unix};

/// Prepares the modules of this folder. That function calls it before any other of them. It may lock and allocate.
pub(crate) fn begin() {
    dump_stack::begin();
    thread_stack::begin();
    unix::fork::begin();
}
