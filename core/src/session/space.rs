//! The address space of the process, for tables that take memory as they grow.

use crate::os::memory;
use crate::table::growth::Space;

/// The address space of this process.
pub(crate) static SPACE: Space = Space {
    page_size: memory::page_size,
    map: memory::map,
    unmap: memory::unmap,
    map_anywhere: memory::map_anywhere,
    find_lonely: |len, take| memory::remote_places(len).find(|&place| take(place)),
};
