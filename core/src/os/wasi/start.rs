//! The start of the program, before its `main`.

/// Makes the system call a function of type `extern "C" fn()` before `main`. Allocations may come earlier.
macro_rules! run_before_main {
    ($function:path) => {
        #[used]
        #[unsafe(link_section = ".init_array")]
        static RUNS_BEFORE_MAIN: extern "C" fn() = $function;
    };
}
pub(crate) use run_before_main;

use super::environment;
use crate::os::dump_stack;

/// Prepares the modules of this folder. That function calls it before any other of them.
pub(crate) fn begin() {
    dump_stack::begin();
    environment::begin();
}
