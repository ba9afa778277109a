//! A call on another stack than the thread's own. WebAssembly keeps return addresses where no program reaches them, so the
//! call stays on the caller's stack.

use core::ffi::c_void;

/// An address that identifies the running thread as long as it lives. Never 0.
pub(crate) fn this_thread() -> usize {
    super::thread::MAIN as usize
}

/// Makes a page inaccessible. All of the memory is accessible, and stays so.
///
/// # Safety
/// The page must be the caller's own, and have no data.
pub(crate) unsafe fn forbid(_: *mut u8, _: usize) {}

/// Calls `f` with `argument` on the caller's stack, of which a snapshot needs 32 KiB.
///
/// # Safety
/// `argument` must be what `f` takes.
pub(crate) unsafe fn on_stack(f: extern "C" fn(*mut c_void), argument: *mut c_void, _: *mut u8, _: *mut u8) {
    f(argument);
}
