//! What runs before `main`.

/// Has a function of type `extern "C" fn()` run before `main`.
// Not under the model checkers, whose atomics work in a model alone.
macro_rules! run_before_main {
    ($function:path) => {
        #[cfg_attr(not(models), used, unsafe(link_section = ".init_array"))]
        static RUNS_BEFORE_MAIN: extern "C" fn() = $function;
    };
}
pub(crate) use run_before_main;

use super::{dump_stack, fork, interpose, resident, thread, unwind_tables};

/// Prepares what the system offers: the first thing in that function.
pub(crate) fn begin() {
    resident::keep();
    dump_stack::begin();
    unwind_tables::begin();
    interpose::begin();
    // The system prepares for it at the first call, which waits for milliseconds when there are other threads.
    thread::barrier();
    fork::begin();
}
