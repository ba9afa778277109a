//! The address space of a process, from which a region that grows takes its memory.

use crate::sync::*;

/// The address space of the process: where memory comes from.
pub struct Space {
    /// Bytes of a page.
    pub(crate) page_size: fn() -> usize,
    /// Maps zeroed memory at exactly this address and of this length. False when it cannot.
    pub(crate) map: fn(usize, usize) -> bool,
    /// Unmaps mapped memory.
    pub(crate) unmap: fn(usize, usize),
    /// Maps zeroed memory of this length somewhere; `None` when it cannot.
    pub(crate) map_anywhere: fn(usize) -> Option<usize>,
    /// The first place that the function takes, among places for this length that are far from everything else.
    pub(crate) find_lonely: fn(usize, &mut dyn FnMut(usize) -> bool) -> Option<usize>,
}

/// The address space in which a region was placed. All-zero is none.
#[repr(transparent)]
#[derive(Default)]
pub(crate) struct SpaceOf(AtomicPtr<Space>);

impl SpaceOf {
    pub(super) fn set(&self, space: &'static Space) {
        self.0.store(core::ptr::from_ref(space).cast_mut(), Release);
    }

    pub(super) fn get(&self) -> Option<&'static Space> {
        // SAFETY: it is null, or `set` has stored a reference for ever.
        unsafe { self.0.load(Acquire).as_ref() }
    }
}
