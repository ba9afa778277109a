//! The start of the program, before its `main`.

pub(crate) use super::super::unix::elf_start::run_before_main;

use super::{fork, interpose, resident, thread, unwind_tables};
use crate::os::dump_stack;

/// Prepares the modules of this folder. That function calls it before any other of them. It may lock and allocate.
pub(crate) fn begin() {
    resident::prevent_unloading();
    dump_stack::begin();
    unwind_tables::begin();
    interpose::begin();
    // The first barrier registers the process, which takes milliseconds once there are other threads.
    thread::barrier();
    fork::begin();
}
