//! The system calls of the tracker.
//!
//! Those that are cancellation points in the C library are made by their numbers (`sys/syscall.h`): `malloc` must not be a cancellation
//! point. A call that fails sets `errno`.

use super::super::unix::library_calls::is_beyond_limit;
use super::errno::errno;
use core::ffi::{CStr, c_int, c_void};
use core::ptr::null_mut;

pub(crate) use super::super::unix::library_calls::{
    Status, flock, fstat, ftruncate, is_on_alternate_stack, is_placeholder, signal_this_thread, stat, unmap,
};

/// A set of signals: signal 1 is its lowest bit.
pub(crate) type SignalMask = u128;

unsafe extern "C" {
    /// The C library's function for any system call. It is no cancellation point.
    fn __syscall(number: i64, ...) -> i64;
}

const READ: i64 = 3;
const WRITE: i64 = 4;
const CLOSE: i64 = 6;
const FCNTL: i64 = 92;
const NANOSLEEP: i64 = 240;
const SIGPROCMASK: i64 = 340;
const SIGPENDING: i64 = 343;
const SIGTIMEDWAIT: i64 = 345;
const PREAD: i64 = 475;
const OPENAT: i64 = 499;

/// Makes a call.
///
/// # Safety
/// The arguments must fulfil what the system call requires, as of memory that it writes.
unsafe fn call(number: i64, [a, b, c, d]: [usize; 4]) -> isize {
    // SAFETY: the caller upholds what the call requires. The kernel ignores arguments that the call does not have.
    unsafe { __syscall(number, a, b, c, d) as isize }
}

pub(crate) fn open(path: &CStr, flags: c_int, mode: libc::mode_t) -> c_int {
    let arguments = [libc::AT_FDCWD as usize, path.as_ptr().addr(), flags as usize, usize::from(mode)];
    // SAFETY: the path is a C string.
    unsafe { call(OPENAT, arguments) as c_int }
}

pub(crate) fn close(file: c_int) -> c_int {
    // SAFETY: the call takes a number. The caller owns the descriptor.
    unsafe { call(CLOSE, [file as usize, 0, 0, 0]) as c_int }
}

fn read(file: c_int, to: &mut [u8]) -> isize {
    // SAFETY: the buffer is valid for its length.
    unsafe { call(READ, [file as usize, to.as_mut_ptr().expose_provenance(), to.len(), 0]) }
}

pub(crate) fn pread(file: c_int, to: &mut [u8], offset: usize) -> isize {
    // SAFETY: the buffer is valid for its length.
    unsafe { call(PREAD, [file as usize, to.as_mut_ptr().expose_provenance(), to.len(), offset]) }
}

pub(crate) fn write(file: c_int, bytes: &[u8]) -> isize {
    if is_beyond_limit(file, bytes.len()) {
        super::errno::set_errno(libc::EFBIG);
        return -1;
    }
    // SAFETY: the bytes are valid for their length.
    unsafe { call(WRITE, [file as usize, bytes.as_ptr().expose_provenance(), bytes.len(), 0]) }
}

/// Whether a descriptor is closed. False when that is unknown.
pub(crate) fn is_closed(file: c_int) -> bool {
    // SAFETY: the command takes nothing.
    unsafe { call(FCNTL, [file as usize, libc::F_GETFD as usize, 0, 0]) < 0 && errno() == libc::EBADF }
}

/// Opens a descriptor that can neither be read nor written.
pub(crate) fn open_placeholder() -> c_int {
    open(c"/", libc::O_SEARCH | libc::O_CLOEXEC, 0)
}

pub(crate) fn nanosleep(time: &libc::timespec) {
    // SAFETY: the time is valid for the call.
    unsafe { call(NANOSLEEP, [core::ptr::from_ref(time).expose_provenance(), 0, 0, 0]) };
}

/// Changes the calling thread's signal mask and returns the mask before; `None` when the call fails.
fn change_signal_mask(how: c_int, mask: SignalMask) -> Option<SignalMask> {
    let mut before: SignalMask = 0;
    let (new, old) = (core::ptr::from_ref(&mask), &raw mut before);
    // SAFETY: both sets are valid for the call, and as long as the kernel's.
    let code =
        unsafe { call(SIGPROCMASK, [how as usize, new.expose_provenance(), old.expose_provenance(), 0]) };
    (code == 0).then_some(before)
}

/// Sets the calling thread's signal mask and returns the mask before; `None` when the call fails.
pub(crate) fn set_signal_mask(mask: SignalMask) -> Option<SignalMask> {
    change_signal_mask(libc::SIG_SETMASK, mask)
}

/// Adds signals to the calling thread's signal mask and returns the mask before; `None` when the call fails.
pub(crate) fn block_signals(signals: SignalMask) -> Option<SignalMask> {
    change_signal_mask(libc::SIG_BLOCK, signals)
}

/// The mask of the signals that are pending for the calling thread; `None` when the call fails.
pub(crate) fn pending_signals() -> Option<SignalMask> {
    let mut pending: SignalMask = 0;
    // SAFETY: the set is valid for the call.
    let code = unsafe { call(SIGPENDING, [(&raw mut pending).expose_provenance(), 0, 0, 0]) };
    (code == 0).then_some(pending)
}

/// Takes one of these signals from those that are pending, without its handler. False when none of them is pending.
pub(crate) fn take_signal(signals: SignalMask) -> bool {
    let at_once = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    let (set, time) = (core::ptr::from_ref(&signals), core::ptr::from_ref(&at_once));
    // SAFETY: the set and the time are valid for the call.
    unsafe { call(SIGTIMEDWAIT, [set.expose_provenance(), 0, time.expose_provenance(), 0]) > 0 }
}

/// Maps zeroed private pages; null when the call fails.
pub(crate) fn map(length: usize) -> *mut c_void {
    map_with(null_mut(), length, 0)
}

/// Maps zeroed private pages at `place` if no mapping is there, and returns their address; null when the call fails.
pub(crate) fn map_at(place: *mut c_void, length: usize) -> *mut c_void {
    map_with(place, length, libc::MAP_FIXED | libc::MAP_EXCL)
}

fn map_with(place: *mut c_void, length: usize, flags: c_int) -> *mut c_void {
    let protection = libc::PROT_READ | libc::PROT_WRITE;
    // SAFETY: the call replaces no mapping.
    let mapped =
        unsafe { libc::mmap(place, length, protection, libc::MAP_PRIVATE | libc::MAP_ANON | flags, -1, 0) };
    if mapped == libc::MAP_FAILED { null_mut() } else { mapped }
}

/// Whether the eight bytes at `address`, which is aligned to them, are known to be readable. Changes `errno`.
pub(crate) fn is_readable(address: usize) -> bool {
    const NO_SUCH_HOW: usize = usize::MAX;
    // The kernel reads the signal set first, and fails with EFAULT when it cannot. Then it refuses the invalid `how` with EINVAL. It
    // changes nothing. A set has 16 bytes, which lie on one page.
    // SAFETY: the kernel reads the set, and refuses what it cannot read.
    let _ = unsafe { call(SIGPROCMASK, [NO_SUCH_HOW, address & !15, 0, 0]) };
    errno() == libc::EINVAL
}

/// Copies memory of this process from the address `from` on; false when some of it cannot be read. The kernel copies it, through a
/// pipe, and refuses what it cannot read.
pub(crate) fn copy(from: usize, to: &mut [u8]) -> bool {
    /// A pipe takes as many bytes without waiting.
    const PIECE: usize = 512;
    let mut ends = [0; 2];
    // SAFETY: the call writes both descriptors when it returns 0.
    if unsafe { libc::pipe2(ends.as_mut_ptr(), libc::O_CLOEXEC | libc::O_NONBLOCK) } != 0 {
        return false;
    }
    let [out, into] = ends;
    let is_copied = to.chunks_mut(PIECE).zip(0..).all(|(piece, number)| {
        let (at, length) = (from.wrapping_add(number * PIECE), piece.len());
        // SAFETY: the kernel reads the bytes, and refuses what it cannot read.
        let written = unsafe { call(WRITE, [into as usize, at, length, 0]) };
        written == length as isize && read(out, piece) == written
    });
    close(out);
    close(into);
    is_copied
}
