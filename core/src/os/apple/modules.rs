//! Modules: the executable and the libraries that are loaded, with their paths, addresses and identities.
//!
//! The [list](super::images) of the tracker's own is the source, so modules can be listed in an event. The identity of a module is
//! the UUID that the linker has given to it, and that the file with its names has too.

use super::images::{self, Image};
use super::memory::copy;
use memtrack_format::{List, Module, Segment};

pub(crate) use super::memory::PAGE;
pub(crate) use super::stamp::stamped;

/// Copies the memory of a module from an address on; false when it cannot be read.
pub(crate) type Read<'r> = &'r dyn Fn(usize, &mut [u8]) -> bool;
/// A function that is called for each module. The second argument reads the module's memory.
pub(crate) type Each<'e> = &'e mut dyn FnMut(&Module<'_>, Read<'_>);

/// The most segments of a module. Here it is the one with its code. Those with data are elsewhere for the system's libraries, where
/// they lie between the data of other libraries.
pub(crate) const MAX_SEGMENTS: usize = 1;
/// The most bytes of an identity.
pub(crate) const MAX_BUILD_ID: usize = 16;
const MAX_PATH: usize = libc::PATH_MAX as usize;

/// Copies the bytes at an address; false when they cannot be read.
pub(crate) fn read_mapped(address: usize, buffer: &mut [u8]) -> bool {
    copy(address, buffer)
}

/// Calls `each` for every loaded module, the executable first. A path or identity that is unknown is empty. Returns
/// whether the modules can be listed without a lock: here always.
pub(crate) fn each(each: Each<'_>) -> bool {
    for is_program in [true, false] {
        images::all().filter(|image| image.is_program == is_program).for_each(|image| describe(&image, each));
    }
    true
}

fn describe(image: &Image, each: Each<'_>) {
    let mut path = [0; MAX_PATH];
    let length = path_at(image.path, &mut path);
    let start = image.start as u64;
    let segments =
        [Segment { start, length: (image.end - image.start) as u64, file_offset: 0, executable: true }];
    let module = Module {
        path: &path[..length],
        build_id: if image.uuid == [0; 16] { &[] } else { &image.uuid },
        bias: image.slide as u64,
        segments: List::Items(&segments),
        ..Module::default()
    };
    each(&module, &copy);
}

/// Copies the C string at an address, and returns its length; 0 when it cannot be read or is too long.
fn path_at(address: usize, to: &mut [u8; MAX_PATH]) -> usize {
    /// A string may end right before memory that cannot be read, so that a piece lies within a page.
    const PIECE: usize = 256;
    let mut length = 0;
    while address != 0 {
        let from = address + length;
        let Some(piece) = to.get_mut(length..length + PIECE - from % PIECE) else { break };
        if !copy(from, piece) {
            break;
        }
        match piece.iter().position(|&byte| byte == 0) {
            Some(end) => return length + end,
            None => length += piece.len(),
        }
    }
    0
}

/// Does the same as `each`.
pub(crate) fn each_linked(to: Each<'_>) {
    each(to);
}

/// Whether `each` can list the modules.
pub(crate) fn is_listed() -> bool {
    true
}

/// A number that differs after a module was loaded or unloaded.
pub(crate) fn fingerprint() -> Option<u64> {
    Some(images::changes() as u64)
}
