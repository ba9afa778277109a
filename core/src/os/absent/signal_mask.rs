//! A system whose signals interrupt no thread: there is nothing to block.

use core::marker::PhantomData;

/// As long as this lives, the thread that made it gets no signals. It can be nested.
pub(crate) struct SignalsBlocked {
    /// It belongs to one thread.
    _not_send: PhantomData<*const ()>,
}

impl SignalsBlocked {
    pub(crate) fn new() -> SignalsBlocked {
        SignalsBlocked { _not_send: PhantomData }
    }
}

/// Runs `f` while signals are [blocked](SignalsBlocked).
#[inline(always)]
pub(crate) fn while_blocked<T>(f: impl FnOnce() -> T) -> T {
    f()
}
