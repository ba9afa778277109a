//! The machine code of a module, for code that no unwind table describes.

use crate::os::errno::keep_errno;
use crate::os::{probe, unwind_tables};

/// A range of a module's code. The module stays loaded meanwhile: a frame of it is on the stack.
pub(super) struct Code {
    start: usize,
    end: usize,
    /// What is known to be readable. Some loaders map a part of a file's code alone.
    readable: (usize, usize),
}

impl Code {
    /// The code around an address; `None` when it is in no module.
    pub(super) fn around(pc: usize) -> Option<Code> {
        let (start, end) = unwind_tables::code(pc)?;
        Some(Code { start, end, readable: (0, 0) })
    }

    /// Code that a test has.
    #[cfg(test)]
    pub(super) fn of(bytes: &[u8]) -> Code {
        let range = bytes.as_ptr_range();
        Code { start: range.start as usize, end: range.end as usize, readable: (0, 0) }
    }

    /// The byte at an address; `None` outside of the code. Restores `errno`.
    pub(super) fn byte(&mut self, at: usize) -> Option<u8> {
        if !(self.readable.0..self.readable.1).contains(&at) {
            if !(self.start..self.end).contains(&at) {
                return None;
            }
            let end = keep_errno(|| probe::readable_end::<1>(at)).min(self.end);
            self.readable = ((at & !(probe::PAGE - 1)).max(self.start), end);
            if at >= end {
                return None;
            }
        }
        // SAFETY: the byte is in the module's code, and the system has just said that its page can be read. The module stays
        // loaded, so the page stays mapped.
        Some(unsafe { (at as *const u8).read_volatile() })
    }

    /// The bytes from an address on, as many as the buffer takes and the code has.
    #[cfg(any(target_arch = "x86_64", target_arch = "aarch64", test))]
    pub(super) fn bytes<'b>(&mut self, at: usize, buffer: &'b mut [u8]) -> &'b [u8] {
        let mut read = 0;
        for (byte, offset) in buffer.iter_mut().zip(0..) {
            let Some(found) = at.checked_add(offset).and_then(|at| self.byte(at)) else { break };
            *byte = found;
            read = offset + 1;
        }
        buffer.get(..read).unwrap_or_default()
    }

    /// Whether these bytes are at an address.
    pub(super) fn has(&mut self, at: usize, bytes: &[u8]) -> bool {
        bytes.iter().zip(0..).all(|(byte, offset)| {
            at.checked_add(offset).and_then(|at| self.byte(at)).is_some_and(|found| found == *byte)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::os::errno::{errno, set_errno};
    use crate::os::probe::PAGE;

    #[test]
    fn nothing_is_read_outside_of_the_code() {
        let bytes = [1, 2, 3, 4];
        let start = bytes.as_ptr() as usize;
        let mut code = Code::of(&bytes[1..3]);
        assert_eq!([0, 1, 2, 3].map(|at| code.byte(start + at)), [None, Some(2), Some(3), None]);
        assert_eq!(code.bytes(start + 2, &mut [0; 8]), [3]);
        assert!(
            code.has(start + 1, &[2, 3]) && !code.has(start + 1, &[2, 3, 4]) && !code.has(start + 2, &[2])
        );
        assert!(!code.has(usize::MAX, &[2, 3]));
    }

    #[test]
    fn a_page_that_is_not_mapped_is_not_read() {
        set_errno(7);
        // The code is said to reach to the end of the first page, which is never mapped.
        let mut code = Code { start: 0, end: PAGE, readable: (0, 0) };
        assert_eq!((code.byte(0), code.byte(PAGE - 1), errno()), (None, None, 7));
    }

    #[test]
    fn this_code_is_found() {
        let here = Code::around as *const () as usize;
        assert!(Code::around(here).unwrap().byte(here).is_some());
        assert!(Code::around(0x10).is_none());
    }
}
