//! The start of the program, before its `main`.

/// Makes the system call a function of type `extern "C" fn()` before `main`. Allocations may come earlier.
// Not under the model checkers, whose atomics only work inside a model.
macro_rules! run_before_main {
    ($function:path) => {
        #[cfg_attr(not(models), used, unsafe(link_section = ".CRT$XCU"))]
        static RUNS_BEFORE_MAIN: extern "C" fn() = $function;
    };
}
pub(crate) use run_before_main;

use super::system::{
    GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS, GET_MODULE_HANDLE_EX_FLAG_PIN, GetModuleHandleExW,
};
use super::{detach, unloads};
use crate::os::dump_stack;
use core::ptr::null_mut;

/// Prepares the modules of this folder. That function calls it before any other of them. It may lock and allocate.
pub(crate) fn begin() {
    stay_loaded();
    detach::begin();
    dump_stack::begin();
    unloads::begin();
}

/// Prevents that the tracker's own module is unloaded: the system has the addresses of its functions.
fn stay_loaded() {
    let flags = GET_MODULE_HANDLE_EX_FLAG_PIN | GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS;
    let (here, mut module) = (stay_loaded as *const () as *const u16, null_mut());
    // SAFETY: with this flag the call takes any address of a module in the place of a name.
    unsafe { GetModuleHandleExW(flags, here, &raw mut module) };
}
