//! The mappings of this process, and the memory in them.
//!
//! The problem: a module's address range and path are needed inside an event, where nothing may lock or allocate. And
//! another thread may unmap a module at any time.
//!
//! The idea: read the kernel's files about the process by bare system calls. Memory that is unmapped meanwhile is an
//! error of the call, not a fault.
//!
//! - *List*: `/proc/thread-self/maps`, one line for each mapping.
//! - *Mapping*: a range of addresses with the same access and the same file.
//! - *Memory*: the bytes at an address, which the kernel copies.

mod lines;
mod path;
mod proc_file;

use core::ffi::CStr;

pub(crate) use lines::Lines;
pub(crate) use path::{restore, strip_deleted};
pub(crate) use proc_file::Memory;
use proc_file::ProcFile;

/// A mapping.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Mapping {
    pub(crate) start: usize,
    pub(crate) end: usize,
    pub(crate) readable: bool,
    pub(crate) executable: bool,
    /// The offset in its file at which the mapping begins, in bytes.
    pub(crate) offset: usize,
    /// The device of its file; 0 for memory without a file.
    pub(crate) device: usize,
    /// The inode of its file; 0 for memory without a file.
    pub(crate) inode: usize,
}

impl Mapping {
    /// Whether both mappings are of the same file.
    pub(crate) fn is_of_file_of(&self, other: &Mapping) -> bool {
        (self.device, self.inode) == (other.device, other.inode)
    }
}

/// The path of the list.
const LIST: &CStr = c"/proc/thread-self/maps";

/// Whether the list can be read: not without `/proc`, nor where a sandbox forbids the calls. May change `errno`.
pub(crate) fn is_listed() -> bool {
    ProcFile::open(LIST).is_some()
}

/// The lines of the list; `None` when it cannot be read.
pub(crate) fn lines() -> Option<Lines<impl FnMut(&mut [u8]) -> usize>> {
    let file = ProcFile::open(LIST)?;
    Some(Lines::new(move |buffer: &mut [u8]| file.read(buffer)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_code_is_in_a_mapping() {
        let here = this_code_is_in_a_mapping as *const () as usize;
        let mut lines = lines().unwrap();
        let mut path = heapless::Vec::<u8, 4096>::new();
        let found = core::iter::from_fn(|| lines.next(&mut path, |_| false))
            .find(|mapping| (mapping.start..mapping.end).contains(&here));
        assert!(found.is_some_and(|mapping| mapping.executable && mapping.inode != 0));
    }
}
