//! Whether memory can be read, by the system's list of pages.

use super::memory::readable_until;

pub(crate) use super::memory::PAGE;

/// The end of the readable memory that begins at the page of `address`: the address of the first page that cannot be
/// read, or of the page after the `PAGES` pages that are probed. The start of the page of `address` when that page
/// cannot be read, or when nothing is known. Another thread may unmap pages afterwards. May change the error number.
pub(crate) fn readable_end<const PAGES: usize>(address: usize) -> usize {
    let start = address & !(PAGE - 1);
    readable_until(start, start.saturating_add(PAGES * PAGE))
}
