//! Parts of a region that stay private to the process when a recording lays the rest over a file.

use core::ops::Deref;

/// A value that has its pages for itself, where recordings are possible. Pages are 4 KiB there, or 16 KiB: see
/// [`Pages`](crate::os::pages::Pages).
#[repr(C)]
#[cfg_attr(
    all(feature = "std", any(target_pointer_width = "64", file_backed), not(large_pages)),
    repr(align(4096))
)]
#[cfg_attr(large_pages, repr(align(16384)))]
#[derive(Default)]
pub(crate) struct PrivatePages<T>(T);

impl<T> Deref for PrivatePages<T> {
    type Target = T;

    #[inline(always)]
    fn deref(&self) -> &T {
        &self.0
    }
}
