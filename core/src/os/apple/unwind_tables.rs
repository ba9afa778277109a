//! The unwind tables of the module with the code at an address, from the tracker's own list of loaded modules.

use super::images::{self, Image};
use core::ptr::with_exposed_provenance;

/// The unwind tables of a module. They may be read as long as the module is loaded: while a frame of it is on the stack.
#[derive(Clone, Copy)]
pub(crate) struct UnwindTable {
    /// The address of the module's header, which identifies the module.
    pub(crate) header: usize,
    image: Image,
}

impl UnwindTable {
    /// The segment with the code, which begins with the header.
    pub(crate) fn text(&self) -> &'static [u8] {
        self.bytes([0, self.image.end - self.image.start])
    }

    /// `__unwind_info`: all functions by address. Empty when there is none.
    pub(crate) fn index(&self) -> &'static [u8] {
        self.bytes(self.image.unwind_info)
    }

    /// `__eh_frame`: descriptions of functions. Empty when there is none.
    pub(crate) fn frames(&self) -> &'static [u8] {
        self.bytes(self.image.eh_frame)
    }

    /// Whether the module's code starts the handlers of signals.
    pub(crate) fn starts_handlers(&self) -> bool {
        self.image.starts_handlers
    }

    fn bytes(&self, [offset, length]: [usize; 2]) -> &'static [u8] {
        // SAFETY: the range is within the segment, as `images` has checked. Code of it is on the stack, so it stays mapped, and
        // nobody changes it.
        unsafe { core::slice::from_raw_parts(with_exposed_provenance(self.header + offset), length) }
    }
}

/// The unwind tables for the code at `pc`, which must be on the stack: so its module stays loaded. `None` for code of no module.
/// Can run in an event and in a signal handler.
pub(crate) fn find(pc: usize) -> Option<UnwindTable> {
    images::find(pc).map(|image| UnwindTable { header: image.start, image })
}

/// The address range of the code of the module with the code at `pc`, under the same conditions as [`find`].
pub(crate) fn range(pc: usize) -> Option<(usize, usize)> {
    images::find(pc).map(|image| (image.start, image.end))
}

/// After a module may have been unloaded: dyld has reported that.
pub(crate) fn unloaded() {}
