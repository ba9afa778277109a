//! The module with the code at an address, from the tracker's own list of loaded modules.

use super::images;

/// The address range of the code of the module with the code at `pc`; `None` for code of no module. Takes no lock.
pub(crate) fn range(pc: usize) -> Option<(usize, usize)> {
    images::find(pc).map(|image| (image.start, image.end))
}

/// After a module may have been unloaded: dyld has reported that.
pub(crate) fn unloaded() {}
