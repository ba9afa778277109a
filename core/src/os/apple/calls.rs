//! The system calls of the tracker.
//!
//! Those that are cancellation points in the C library are called by the names under which they are none: `malloc` must not
//! be a cancellation point. A call that fails sets `errno`.

use super::super::unix::library_calls::is_beyond_limit;
use super::mach::{self, mach_task_self_, mach_vm_read_overwrite};
use core::ffi::{CStr, c_char, c_int, c_void};
use core::ptr::null_mut;

pub(crate) use super::super::unix::library_calls::{
    Status, flock, fstat, ftruncate, is_on_alternate_stack, is_placeholder, signal_this_thread, stat, unmap,
};

/// A set of signals: signal 1 is its lowest bit.
pub(crate) type SignalMask = u64;

/// The C library's functions that are no cancellation points.
mod without_cancellation {
    use super::*;

    unsafe extern "C" {
        #[link_name = "open$NOCANCEL"]
        pub(super) fn open(path: *const c_char, flags: c_int, ...) -> c_int;
        #[link_name = "close$NOCANCEL"]
        pub(super) fn close(file: c_int) -> c_int;
        #[link_name = "pread$NOCANCEL"]
        pub(super) fn pread(file: c_int, to: *mut c_void, length: usize, offset: libc::off_t) -> isize;
        #[link_name = "write$NOCANCEL"]
        pub(super) fn write(file: c_int, from: *const c_void, length: usize) -> isize;
        #[link_name = "fcntl$NOCANCEL"]
        pub(super) fn fcntl(file: c_int, command: c_int, ...) -> c_int;
        #[link_name = "nanosleep$NOCANCEL"]
        pub(super) fn nanosleep(time: *const libc::timespec, rest: *mut libc::timespec) -> c_int;
    }
}

pub(crate) fn open(path: &CStr, flags: c_int, mode: libc::mode_t) -> c_int {
    // SAFETY: the path is a C string. The mode has the size that variable arguments have.
    unsafe { without_cancellation::open(path.as_ptr(), flags, c_int::from(mode)) }
}

pub(crate) fn close(file: c_int) -> c_int {
    // SAFETY: the call takes a number. The caller owns the descriptor.
    unsafe { without_cancellation::close(file) }
}

pub(crate) fn pread(file: c_int, to: &mut [u8], offset: usize) -> isize {
    // SAFETY: the buffer is valid for its length.
    unsafe { without_cancellation::pread(file, to.as_mut_ptr().cast(), to.len(), offset as libc::off_t) }
}

/// `fcntl` with a number.
fn control(file: c_int, command: c_int, value: c_int) -> c_int {
    // SAFETY: the callers pass commands that take a number, or nothing.
    unsafe { without_cancellation::fcntl(file, command, value) }
}

/// Whether a descriptor is closed. False when that is unknown.
pub(crate) fn is_closed(file: c_int) -> bool {
    control(file, libc::F_GETFD, 0) < 0 && super::errno::errno() == libc::EBADF
}

/// Opens a descriptor that can neither be read nor written.
pub(crate) fn open_placeholder() -> c_int {
    open(c"/", libc::O_EVTONLY | libc::O_CLOEXEC, 0)
}

/// Writes bytes, and returns their number; negative when the call fails. Sends no signal.
///
/// Here the kernel sends the signals of writes to the process, so that a thread cannot block them. SIGPIPE is switched off for
/// the file meanwhile, and a write beyond the limit of a file's size fails before it is made.
pub(crate) fn write(file: c_int, bytes: &[u8]) -> isize {
    /// Commands that libc does not declare: whether writes to the file send no SIGPIPE.
    const F_GETNOSIGPIPE: c_int = 74;
    if is_beyond_limit(file, bytes.len()) {
        super::errno::set_errno(libc::EFBIG);
        return -1;
    }
    let sends = control(file, F_GETNOSIGPIPE, 0) == 0;
    if sends {
        control(file, libc::F_SETNOSIGPIPE, 1);
    }
    // SAFETY: the bytes are valid for their length.
    let written = unsafe { without_cancellation::write(file, bytes.as_ptr().cast(), bytes.len()) };
    if sends {
        super::errno::keep_errno(|| control(file, libc::F_SETNOSIGPIPE, 0));
    }
    written
}

pub(crate) fn nanosleep(time: &libc::timespec) {
    // SAFETY: the time is valid for the call.
    unsafe { without_cancellation::nanosleep(time, null_mut()) };
}

/// Sets the calling thread's signal mask and returns the mask before; `None` when the call fails. Signals are numbered up to 31.
pub(crate) fn set_signal_mask(mask: u64) -> Option<u64> {
    let (mask, mut before): (libc::sigset_t, libc::sigset_t) = (mask as libc::sigset_t, 0);
    // SAFETY: both sets are valid for the call.
    let code = unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, &raw const mask, &raw mut before) };
    (code == 0).then_some(u64::from(before))
}

/// Maps zeroed private pages; null when the call fails.
pub(crate) fn map(length: usize) -> *mut c_void {
    map_at(null_mut(), length)
}

/// Maps zeroed private pages at `place` if no mapping is there, and elsewhere otherwise, and returns their address; null when the
/// call fails.
pub(crate) fn map_at(place: *mut c_void, length: usize) -> *mut c_void {
    let protection = libc::PROT_READ | libc::PROT_WRITE;
    let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE;
    // SAFETY: the call replaces no mapping.
    let mapped = unsafe { libc::mmap(place, length, protection, flags, -1, 0) };
    if mapped == libc::MAP_FAILED { null_mut() } else { mapped }
}

/// Whether the eight bytes at `address` are known to be readable.
pub(crate) fn is_readable(address: usize) -> bool {
    copy(address, &mut [0; 8])
}

/// Whether the eight bytes at `address` can be read.
pub(crate) fn probe(address: usize) -> Option<bool> {
    Some(is_readable(address))
}

/// Copies memory of this process from the address `from` on; false when some of it cannot be read.
pub(crate) fn copy(from: usize, to: &mut [u8]) -> bool {
    let mut copied = 0;
    // SAFETY: the buffer is valid for its length. The kernel reads the source, and refuses what it cannot read.
    let code = unsafe {
        mach_vm_read_overwrite(
            mach_task_self_,
            from as u64,
            to.len() as u64,
            to.as_mut_ptr().expose_provenance() as u64,
            &raw mut copied,
        )
    };
    code == mach::SUCCESS && copied == to.len() as u64
}
