//! The address space of the process, in which a growing region maps memory. Tables get the functions of `os` by this value,
//! because they do not import `os`.

use crate::os::memory;
use crate::table::space::Space;

pub(crate) static SPACE: Space = Space {
    page_size: memory::page_size,
    map: memory::map,
    unmap: memory::unmap,
    map_anywhere: memory::map_anywhere,
    find_lonely: |len, take| memory::remote_places(len).find(|&place| take(place)),
};
