//! The gate between a parent and its forked child, on a system without forks: nobody passes it.

/// Before a fork, in the parent.
pub(crate) fn close() {}

/// After a fork, in the parent.
pub(crate) fn wait() {}

/// After a fork, in the child: runs `divide`.
pub(crate) fn open_after(divide: impl FnOnce()) {
    divide();
}
