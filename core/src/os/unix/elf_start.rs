//! The start of the program, before its `main`, in files of the ELF format.

/// Makes the system call a function of type `extern "C" fn()` before `main`. Allocations may come earlier.
// Not under the model checkers, whose atomics only work inside a model.
macro_rules! run_before_main {
    ($function:path) => {
        #[cfg_attr(not(models), used, unsafe(link_section = ".init_array"))]
        static RUNS_BEFORE_MAIN: extern "C" fn() = $function;
    };
}
pub(crate) use run_before_main;
