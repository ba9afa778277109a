//! Memory that was a file's becomes the process's own, whatever has become of the file.

use super::errno::errno;
use crate::Error;
use core::ffi::c_void;
use core::ptr::null_mut;

/// Bytes that are moved at a time.
const PIECE: usize = 1 << 20;
/// What is looked at at a time: no page of a system is smaller.
const PAGE: usize = 4096;

/// Puts memory of the process's own in the place of `len` bytes from `start` on. It holds what could be read there, or
/// nothing at all. For handlers of signals; allocates nothing.
///
/// Other threads go on meanwhile: what they change in a piece while it is copied is lost.
///
/// # Safety
/// The bytes must be whole pages of a mapping, of integers that may have any value.
pub(crate) unsafe fn take(start: *mut u8, len: usize, content: bool) -> Result<(), Error> {
    for offset in (0..len).step_by(PIECE) {
        // SAFETY: within the caller's pages.
        unsafe {
            let (place, len) = (start.add(offset), PIECE.min(len - offset));
            if !(content && move_piece(place, len)) {
                map(place, len)?;
            }
        }
    }
    Ok(())
}

/// Fresh memory, all zero, at `place`, or where the system likes when that is null.
///
/// # Safety
/// Nobody may need what was there.
pub(crate) unsafe fn map(place: *mut u8, len: usize) -> Result<*mut u8, Error> {
    let protection = libc::PROT_READ | libc::PROT_WRITE;
    let fixed = if place.is_null() { 0 } else { libc::MAP_FIXED };
    let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE | fixed;
    // SAFETY: a mapping at a place of the system's choice, or over pages that the caller gives up.
    let mapped = unsafe { libc::mmap(place.cast(), len, protection, flags, -1, 0) };
    if mapped == libc::MAP_FAILED { Err(Error::File(errno())) } else { Ok(mapped.cast()) }
}

/// Copies a piece and moves the copy into its place. False when that cannot be done, or there is nothing in it.
///
/// # Safety
/// As of [`take`].
unsafe fn move_piece(place: *mut u8, len: usize) -> bool {
    // SAFETY: the copy is as long as the piece, and pages are read when that was possible a moment before; whoever cuts the
    // file in that moment is the business of the handler.
    unsafe {
        let Ok(copy) = map(null_mut(), len) else { return false };
        let mut used = false;
        for offset in (0..len).step_by(PAGE) {
            let page = place.add(offset);
            if is_readable(page) && !is_zero(page) {
                core::ptr::copy_nonoverlapping(page, copy.add(offset), PAGE);
                used = true;
            }
        }
        let flags = libc::MREMAP_MAYMOVE | libc::MREMAP_FIXED;
        let moved =
            used && libc::mremap(copy.cast(), len, len, flags, place.cast::<c_void>()) == place.cast();
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
    // SAFETY: pages are aligned; the caller upholds the rest.
    (0..PAGE / size_of::<u64>()).all(|word| unsafe { page.add(word).read_volatile() } == 0)
}

/// Whether a page can be read. The system reads a signal set from it, for a call that it then refuses.
pub(crate) fn is_readable(page: *const u8) -> bool {
    const NO_SUCH_WAY: libc::c_long = -1;
    const SET: usize = 8;
    let nothing = null_mut::<c_void>();
    // SAFETY: the call changes nothing: there is no such way to change a mask.
    let result = unsafe { libc::syscall(libc::SYS_rt_sigprocmask, NO_SUCH_WAY, page, nothing, SET) };
    result == 0 || errno() != libc::EFAULT
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_of_a_file_stays_and_the_rest_is_zero() {
        const LEN: usize = 3 * PIECE;
        let protection = libc::PROT_READ | libc::PROT_WRITE;
        // SAFETY: the file is as long as the mapping until it is cut off; what is not there any more is not touched before
        // it has been replaced.
        unsafe {
            let file = libc::memfd_create(c"own".as_ptr(), libc::MFD_CLOEXEC);
            assert_eq!(libc::ftruncate(file, LEN as libc::off_t), 0);
            let start = libc::mmap(null_mut(), LEN, protection, libc::MAP_SHARED, file, 0).cast::<u8>();
            let (first, last, lost) = (start.add(7), start.add(2 * PIECE - 1), start.add(2 * PIECE));
            for byte in [first, last, lost] {
                byte.write(42);
            }
            assert_eq!(libc::ftruncate(file, 2 * PIECE as libc::off_t), 0);
            assert!(is_readable(start) && !is_readable(lost));

            take(start, LEN, true).unwrap();
            assert_eq!([first, last, lost].map(|byte| byte.read()), [42, 42, 0]);
            first.write(43);
            lost.write(43);
            let mut of_file = [0u8; 8];
            assert_eq!(libc::pread(file, of_file.as_mut_ptr().cast(), 8, 0), 8);
            assert_eq!(of_file[7], 42, "nothing reaches the file");

            take(start, LEN, false).unwrap();
            assert_eq!([first, last, lost].map(|byte| byte.read()), [0; 3]);
            libc::munmap(start.cast(), LEN);
            libc::close(file);
        }
    }
}
