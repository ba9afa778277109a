//! The system calls that only recordings need: for memory that a file backs, and for the wait of a parent for its forked child.

use super::calls::Status;
use super::errno::errno;
use super::kernel_headers::{MREMAP_FIXED, MREMAP_MAYMOVE, mremap};
use super::system_call;
use crate::sync::*;
use core::ffi::{CStr, c_int, c_void};

/// The file with the kernel's table of the process's pages.
pub(crate) const PAGEMAP: Option<&CStr> = Some(c"/proc/self/pagemap");

/// Whether a signal of a fault that another process has sent has a code as if this thread had faulted.
pub(crate) const SENT_FAULTS_HAVE_CODES: bool = false;

/// Allocates room in its file for mapped memory. False only when there is no room.
pub(crate) fn has_room(place: *mut c_void, length: usize) -> bool {
    // SAFETY: the call changes none of the bytes, and fails where nothing is mapped.
    let result = unsafe { libc::madvise(place, length, libc::MADV_POPULATE_WRITE) };
    result == 0 || errno() != libc::EFAULT
}

/// The device and the number of a file.
pub(crate) fn identity(status: &Status) -> (u64, u64) {
    (status.st_dev, status.st_ino)
}

/// Moves a mapping over another one. When that fails, nothing has changed.
///
/// # Safety
/// Both must be private mappings of that length, or the second one a file's. Nobody uses the first one afterwards, and the second
/// one's content is given up.
pub(crate) unsafe fn move_mapping(from: *mut c_void, length: usize, to: *mut c_void) -> bool {
    let flags = MREMAP_MAYMOVE | MREMAP_FIXED;
    // SAFETY: the caller upholds it.
    unsafe { mremap(from, length, length, flags, to) == to }
}

/// Waits while a word, which another process may share, has a value; at most that long.
pub(crate) fn wait_while(word: &AtomicU32, value: u32, nanoseconds: u64) {
    let time = libc::timespec { tv_sec: 0, tv_nsec: nanoseconds as libc::c_long };
    futex(word, libc::FUTEX_WAIT, value, &raw const time);
}

/// Wakes all that wait for a change of a word.
pub(crate) fn wake_all(word: &AtomicU32) {
    futex(word, libc::FUTEX_WAKE, i32::MAX as u32, core::ptr::null());
}

fn futex(word: &AtomicU32, operation: c_int, value: u32, time: *const libc::timespec) {
    // SAFETY: the word is valid for the call, and the time is null or valid.
    unsafe { libc::syscall(libc::SYS_futex, core::ptr::from_ref(word), operation, value, time) };
}

/// Whether a child of this process has ended. The child stays a zombie: the program still waits for it.
pub(crate) fn has_ended(child: u32) -> bool {
    let how = libc::WEXITED | libc::WNOHANG | libc::WNOWAIT;
    // Not by the C library, whose function is a cancellation point.
    // SAFETY: all-zero is a valid record. The call writes it, and its process id, when it returns 0.
    unsafe {
        let mut info: libc::siginfo_t = core::mem::zeroed();
        let arguments =
            [libc::P_PID as usize, child as usize, (&raw mut info).expose_provenance(), how as usize, 0, 0];
        system_call::raw(libc::SYS_waitid, arguments) == 0 && info.si_pid() != 0
    }
}
