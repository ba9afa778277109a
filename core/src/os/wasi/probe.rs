//! Whether memory can be read: all below the end of the linear memory.

use super::memory;

pub(crate) use super::memory::PAGE;

/// The end of the readable memory that begins at the page of `address`: the address of the first page that cannot be
/// read, or of the page after the `PAGES` pages that are probed. The start of the page of `address` when that page
/// cannot be read.
pub(crate) fn readable_end<const PAGES: usize>(address: usize) -> usize {
    let start = address & !(PAGE - 1);
    start.saturating_add(PAGES * PAGE).min(memory::end()).max(start)
}
