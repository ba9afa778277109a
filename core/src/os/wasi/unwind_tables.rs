//! Unwind tables. WebAssembly has none.

/// The address range of the module with the code at an address. `None`: code has no addresses in the memory.
pub(crate) fn range(_: usize) -> Option<(usize, usize)> {
    None
}

/// Forgets modules that were unloaded. Here nothing is remembered.
pub(crate) fn unloaded() {}
