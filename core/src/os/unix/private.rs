//! Memory that a file backs becomes private memory of the process.
//!
//! The problem: the file may be cut off, so that some of the pages can no longer be read, and the caller may be the
//! handler of the fault that says so.
//!
//! The idea: in pieces, copy each page that can be read into a new mapping, and move that mapping over the old one.

use super::errno::errno;
use super::memory::PAGE;
use super::{calls, recording_calls};
use crate::Error;
use core::ptr::null_mut;

/// The size of a piece in bytes.
const PIECE: usize = 1 << 20;

/// Replaces `len` bytes from `start` on by private memory. With `content`, it holds all that could be read there; the
/// rest is zero. Can run in a signal handler.
///
/// Other threads may run meanwhile. A change that they make in a piece while it is copied is lost.
///
/// # Safety
/// The bytes must be whole pages of a mapping, and only hold integers that may have any value.
pub(crate) unsafe fn make_private(start: *mut u8, len: usize, content: bool) -> Result<(), Error> {
    for offset in (0..len).step_by(PIECE) {
        // SAFETY: the piece is within the caller's pages.
        unsafe {
            let (place, len) = (start.add(offset), PIECE.min(len - offset));
            if !(content && move_piece(place, len)) {
                map(place, len)?;
            }
        }
    }
    Ok(())
}

/// Maps zeroed private memory at `place`, in place of what is there, or at an address of the system's choice when
/// `place` is null.
///
/// # Safety
/// `place` must be null or whole pages whose content nobody needs, in which all zero is valid.
pub(crate) unsafe fn map(place: *mut u8, len: usize) -> Result<*mut u8, Error> {
    let protection = libc::PROT_READ | libc::PROT_WRITE;
    let fixed = if place.is_null() { 0 } else { libc::MAP_FIXED };
    let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE | fixed;
    // SAFETY: a new mapping at a place of the system's choice, or over pages whose content the caller gives up.
    let mapped = unsafe { libc::mmap(place.cast(), len, protection, flags, -1, 0) };
    if mapped == libc::MAP_FAILED { Err(Error::File(errno())) } else { Ok(mapped.cast()) }
}

/// Copies a piece and moves the copy over it. False when the system refuses, or when no readable page in it has a byte
/// that is not zero: then nothing has changed.
///
/// # Safety
/// As for [`make_private`].
unsafe fn move_piece(place: *mut u8, len: usize) -> bool {
    // SAFETY: the copy is as long as the piece. A page is only read after the kernel could read it. When another
    // process cuts off the file between the two, the read faults, and the handler of faults replaces the page.
    unsafe {
        let Ok(copy) = map(null_mut(), len) else { return false };
        let mut used = false;
        for offset in (0..len).step_by(PAGE) {
            let page = place.add(offset);
            if may_be_readable(page) && !is_zero(page) {
                core::ptr::copy_nonoverlapping(page, copy.add(offset), PAGE);
                used = true;
            }
        }
        let moved = used && recording_calls::move_mapping(copy.cast(), len, place.cast());
        if !moved {
            libc::munmap(copy.cast(), len);
        }
        moved
    }
}

/// Whether a page is all zero.
///
/// # Safety
/// It must be readable.
unsafe fn is_zero(page: *const u8) -> bool {
    let page = page.cast::<u64>();
    // SAFETY: a page is aligned for integers, and the caller upholds that this one is readable.
    (0..PAGE / size_of::<u64>()).all(|word| unsafe { page.add(word).read_volatile() } == 0)
}

/// Whether a page may be readable: it is not known to be lost. Changes `errno`.
pub(crate) fn may_be_readable(page: *const u8) -> bool {
    calls::probe(page.addr()) != Some(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_of_a_file_stays_and_the_rest_is_zero() {
        const LEN: usize = 3 * PIECE;
        let protection = libc::PROT_READ | libc::PROT_WRITE;
        let path = std::env::temp_dir().join(std::format!("memtrack-private-{}", std::process::id()));
        let path = std::ffi::CString::new(path.into_os_string().into_encoded_bytes()).unwrap();
        // SAFETY: the file is as long as the mapping until it is cut off. The lost part is not used before it is
        // replaced.
        unsafe {
            let file = calls::open(&path, libc::O_RDWR | libc::O_CREAT, 0o600);
            assert_eq!(libc::ftruncate(file, LEN as libc::off_t), 0);
            let start = libc::mmap(null_mut(), LEN, protection, libc::MAP_SHARED, file, 0).cast::<u8>();
            let (first, last, lost) = (start.add(7), start.add(2 * PIECE - 1), start.add(2 * PIECE));
            for byte in [first, last, lost] {
                byte.write(42);
            }
            assert_eq!(libc::ftruncate(file, 2 * PIECE as libc::off_t), 0);
            assert!(may_be_readable(start) && !may_be_readable(lost));

            make_private(start, LEN, true).unwrap();
            assert_eq!([first, last, lost].map(|byte| byte.read()), [42, 42, 0]);
            first.write(43);
            lost.write(43);
            let mut of_file = [0u8; 8];
            assert_eq!(libc::pread(file, of_file.as_mut_ptr().cast(), 8, 0), 8);
            assert_eq!(of_file[7], 42, "nothing reaches the file");

            make_private(start, LEN, false).unwrap();
            assert_eq!([first, last, lost].map(|byte| byte.read()), [0; 3]);
            libc::munmap(start.cast(), LEN);
            libc::close(file);
            libc::unlink(path.as_ptr());
        }
    }
}
