//! Addresses in modules that were loaded in the place of others: an address says the generation of its module.

#[cfg(feature = "std")]
pub(super) use crate::session::generations::Generations;
#[cfg(cfi)]
pub(super) use crate::session::generations::unloads;

/// On bare metal no module is loaded in the place of another.
#[cfg(not(feature = "std"))]
#[derive(Default)]
pub(super) struct Generations {}

#[cfg(not(feature = "std"))]
impl Generations {
    #[inline(always)]
    pub(super) fn address(&mut self, pc: usize) -> Option<usize> {
        Some(pc)
    }
}
