//! Whether memory can be read, by the kernel's list of regions.

use super::mach::{self, REGION, REGION_WORDS, Region, mach_task_self_, mach_vm_region};

pub(crate) use super::memory::PAGE;

/// The end of the readable memory that begins at the page of `address`: the address of the first page that cannot be
/// read, or of the page after the `PAGES` pages that are probed. The start of the page of `address` when that page
/// cannot be read, or when nothing is known. Another thread may unmap pages afterwards.
pub(crate) fn readable_end<const PAGES: usize>(address: usize) -> usize {
    let start = address & !(PAGE - 1);
    let limit = start.saturating_add(PAGES * PAGE);
    let mut end = start;
    while end < limit {
        match readable_region(end) {
            Some(next) => end = next,
            None => break,
        }
    }
    end.min(limit)
}

/// The end of the region that contains an address; `None` when it cannot be read.
fn readable_region(address: usize) -> Option<usize> {
    let (mut from, mut length, mut words, mut object) = (address as u64, 0, REGION_WORDS, 0);
    let mut region = Region::default();
    // SAFETY: all records are valid for the call, and the region's is as long as the call is told.
    let code = unsafe {
        mach_vm_region(
            mach_task_self_,
            &raw mut from,
            &raw mut length,
            REGION,
            &raw mut region,
            &raw mut words,
            &raw mut object,
        )
    };
    // The call finds the next region where none contains the address.
    let is_here = code == mach::SUCCESS && from <= address as u64;
    (is_here && region.protection & libc::PROT_READ != 0).then(|| (from + length) as usize)
}
