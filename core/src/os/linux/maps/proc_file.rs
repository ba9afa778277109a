//! Files of `/proc` about this process.

use crate::os::linux::calls;
use core::ffi::CStr;

/// An open file of `/proc/thread-self`. The files of `/proc/self` are empty once the process's first thread has ended.
pub(super) struct ProcFile(libc::c_int);

impl ProcFile {
    pub(super) fn open(name: &CStr) -> Option<ProcFile> {
        // With a descriptor above 2: the program may have closed its standard streams, and open them again.
        let fd = calls::open(name, libc::O_RDONLY | libc::O_CLOEXEC, 0);
        if (0..3).contains(&fd) {
            let higher = calls::duplicate(fd, 3);
            calls::close(fd);
            return (higher >= 0).then_some(ProcFile(higher));
        }
        (fd >= 0).then_some(ProcFile(fd))
    }
}

impl ProcFile {
    /// Fills `buffer` and returns the number of bytes that were read; 0 at the end or after an error.
    pub(super) fn read(&self, buffer: &mut [u8]) -> usize {
        usize::try_from(calls::read(self.0, buffer)).unwrap_or(0)
    }
}

impl Drop for ProcFile {
    fn drop(&mut self) {
        calls::close(self.0);
    }
}

/// The memory of this process. The kernel copies it, and refuses what is not mapped.
pub(crate) struct Memory(Option<ProcFile>);

impl Memory {
    /// Uses `/proc`, because some sandboxes only forbid the system call for this, and the system call where there is no
    /// `/proc`.
    pub(crate) fn open() -> Memory {
        Memory(ProcFile::open(c"/proc/thread-self/mem"))
    }

    /// Fills `buffer` from `address` on; false when some of the memory cannot be read.
    pub(crate) fn read(&self, address: usize, buffer: &mut [u8]) -> bool {
        match &self.0 {
            Some(file) => usize::try_from(calls::pread(file.0, buffer, address)) == Ok(buffer.len()),
            None => calls::copy(address, buffer),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_that_is_not_mapped_is_an_error() {
        for memory in [Memory::open(), Memory(None)] {
            let (word, mut copy) = (core::hint::black_box(77u64), [0; 8]);
            assert!(memory.read(core::ptr::from_ref(&word) as usize, &mut copy));
            assert_eq!(u64::from_ne_bytes(copy), 77);
            assert!(!memory.read(16, &mut copy));
        }
    }
}
