//! The start of the program, before its `main`.

/// Makes the system call a function of type `extern "C" fn()` before `main`. Allocations may come earlier.
// Not under the model checkers, whose atomics only work inside a model.
macro_rules! run_before_main {
    ($function:path) => {
        #[cfg_attr(not(models), used, unsafe(link_section = "__DATA,__mod_init_func"))]
        static RUNS_BEFORE_MAIN: extern "C" fn() = $function;
    };
}
pub(crate) use run_before_main;

use super::images;
use crate::os::{dump_stack, unix};

/// Prepares the modules of this folder. That function calls it before any other of them. It may lock and allocate.
pub(crate) fn begin() {
    dump_stack::begin();
    images::begin();
    unix::fork::begin();
}
