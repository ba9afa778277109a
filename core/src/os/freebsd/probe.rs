//! Whether memory can be read. The kernel says so, by a system call that fails where a load would fault.

use super::calls::is_readable;

pub(crate) use super::memory::PAGE;

/// The end of the readable memory that begins at the page of `address`: the address of the first page that cannot be
/// read, or of the page after the `PAGES` pages that are probed. The start of the page of `address` when that page
/// cannot be read, or when nothing is known. Another thread may unmap pages afterwards. May change `errno`.
///
/// Here: one call for each page, and of at most 16.
pub(crate) fn readable_end<const PAGES: usize>(address: usize) -> usize {
    const MOST: usize = 16;
    let (start, pages) = (address & !(PAGE - 1), PAGES.min(MOST));
    let is_unreadable = |page: &usize| !is_readable(start.wrapping_add(page * PAGE));
    let readable = (0..pages).find(is_unreadable).unwrap_or(pages);
    start.saturating_add(readable * PAGE)
}
