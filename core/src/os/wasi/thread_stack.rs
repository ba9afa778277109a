//! The bounds of the running thread's own stack. WebAssembly has two stacks: one for return addresses, which no program can
//! read, and one in the memory for variables whose address is taken.

/// The lowest address of the running thread's stack, and an address above all its frames. `None`: an unwinder would find
/// nothing there.
pub(crate) fn find() -> Option<(usize, usize)> {
    None
}

/// Whether the running thread is on an alternate stack for signals: it has none.
pub(crate) fn is_on_alternate() -> Option<bool> {
    Some(false)
}
