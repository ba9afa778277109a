//! Parts of a region that stay the process's own when a file stands in for the rest.

use core::ops::Deref;

/// A value in pages of its own, where recordings are possible. They are 4 KiB there: see
/// [`Pages`](crate::platform::host::pages::Pages).
#[repr(C)]
#[cfg_attr(all(feature = "std", target_pointer_width = "64"), repr(align(4096)))]
#[derive(Default)]
pub(crate) struct OwnPages<T>(T);

impl<T> Deref for OwnPages<T> {
    type Target = T;

    #[inline(always)]
    fn deref(&self) -> &T {
        &self.0
    }
}
