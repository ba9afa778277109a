//! Modules: the executables and libraries that are loaded. A program of WASI is one module, and does not know its file.

use memtrack_format::Module;

pub(crate) use super::memory::PAGE;

/// Copies the memory of a module from an address on; false when it cannot be read.
pub(crate) type Read<'r> = &'r dyn Fn(usize, &mut [u8]) -> bool;
/// A function that is called for each module. The second argument reads the module's memory.
pub(crate) type Each<'e> = &'e mut dyn FnMut(&Module<'_>, Read<'_>);

/// Copies the bytes at an address; false when they cannot be read: there is no module to read.
pub(crate) fn read_mapped(_: usize, _: &mut [u8]) -> bool {
    false
}

/// The most segments of a module.
pub(crate) const MAX_SEGMENTS: usize = 1;
/// The most bytes of a build id.
pub(crate) const MAX_BUILD_ID: usize = 1;

/// Calls `each` for every loaded module. Returns whether the modules can be listed without a lock.
///
/// Here there is nothing to list. `memtrack-fold` takes the names from the file of its option `--binary`.
pub(crate) fn each(_: Each<'_>) -> bool {
    true
}

/// Does the same as `each`.
pub(crate) fn each_linked(_: Each<'_>) {}

/// Whether `each` can list the modules.
pub(crate) fn is_listed() -> bool {
    true
}

/// A number that differs after a module was loaded or unloaded.
pub(crate) fn fingerprint() -> Option<u64> {
    Some(0)
}

/// `module` with the size and the time of the file at its path. Here unchanged.
pub(crate) fn stamped<'m>(module: &Module<'m>) -> Module<'m> {
    *module
}
