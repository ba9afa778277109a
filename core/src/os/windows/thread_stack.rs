//! The bounds of the running thread's own stack.

use super::system::IsThreadAFiber;
use super::teb;

/// The lowest address of the running thread's stack, and an address above all its frames. The memory between the two is
/// the thread's alone. From a frame on that is in use, up to the second address, it can be read as long as the thread
/// lives. `None` when the bounds are unknown.
///
/// Here: `None` in a fiber, whose stack may be freed before its thread ends.
#[cold]
pub(crate) fn find() -> Option<(usize, usize)> {
    // SAFETY: the call only returns a number.
    let is_fiber = unsafe { IsThreadAFiber() } != 0;
    (!is_fiber).then(teb::stack).filter(|(low, high)| 0 < *low && low < high)
}

/// Whether the running thread is on its alternate signal stack. Here there is none.
pub(crate) fn is_on_alternate() -> Option<bool> {
    Some(false)
}
