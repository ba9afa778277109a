//! The mappings of this process, as the kernel lists them, and the memory in them. Both are read by bare system calls:
//! no lock, no allocation, and memory that is unmapped meanwhile is an error, not a fault.

mod lines;
mod path;
mod proc_file;

use core::ffi::CStr;

pub(crate) use lines::Lines;
pub(crate) use path::{restore, strip_deleted};
pub(crate) use proc_file::Memory;
use proc_file::ProcFile;

/// One mapping.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Mapping {
    pub(crate) start: usize,
    pub(crate) end: usize,
    pub(crate) readable: bool,
    pub(crate) executable: bool,
    /// Where it begins in its file.
    pub(crate) offset: usize,
    /// The file's device and number; 0 for memory that is no file's.
    pub(crate) device: usize,
    pub(crate) inode: usize,
}

impl Mapping {
    pub(crate) fn is_of_file_of(&self, other: &Mapping) -> bool {
        (self.device, self.inode) == (other.device, other.inode)
    }
}

const LIST: &CStr = c"/proc/thread-self/maps";

/// Whether the kernel lists this process's mappings.
pub(crate) fn is_listed() -> bool {
    ProcFile::open(LIST).is_some()
}

/// The list of this process's mappings, when there is one.
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
