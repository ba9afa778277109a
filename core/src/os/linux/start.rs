//! The start of the program, before its `main`.

/// Makes the system call a function of type `extern "C" fn()` before `main`. Allocations may come earlier.
// Not under the model checkers, whose atomics only work inside a model.
macro_rules! run_before_main {
    ($function:path) => {
        #[cfg_attr(not(models), used, unsafe(link_section = ".init_array"))]
        static RUNS_BEFORE_MAIN: extern "C" fn() = $function;
    };
}
pub(crate) use run_before_main;

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
