//! The system calls that only recordings need: for memory that a file backs, and for the wait of a parent for its forked child.

use super::calls::{self, Status};
use super::clock;
use super::mach::{self, mach_task_self_, mach_vm_remap};
use crate::sync::*;
use core::ffi::{CStr, c_int, c_void};

/// The file with the kernel's table of the process's pages: there is none.
pub(crate) const PAGEMAP: Option<&CStr> = None;

/// Whether a signal of a fault that another process has sent has a code as if this thread had faulted.
pub(crate) const SENT_FAULTS_HAVE_CODES: bool = true;

unsafe extern "C" {
    /// `waitid` that is no cancellation point.
    #[link_name = "waitid$NOCANCEL"]
    fn wait_for(kind: libc::idtype_t, id: libc::id_t, info: *mut libc::siginfo_t, how: c_int) -> c_int;
}

/// Allocates room in its file for mapped memory. False only when there is no room: the system cannot say so ahead.
pub(crate) fn has_room(_: *mut c_void, _: usize) -> bool {
    true
}

/// The device and the number of a file.
pub(crate) fn identity(status: &Status) -> (u64, u64) {
    (status.st_dev as u64, status.st_ino)
}

/// Moves a mapping over another one. When that fails, nothing has changed.
///
/// # Safety
/// Both must be private mappings of that length, or the second one a file's. Nobody uses the first one afterwards, and the second
/// one's content is given up.
pub(crate) unsafe fn move_mapping(from: *mut c_void, length: usize, to: *mut c_void) -> bool {
    /// The mapping replaces what is at its address, and a child of a fork gets a copy of it.
    const OVERWRITE: c_int = 0x4000;
    const COPIED: u32 = 1;
    let (mut place, mut protection, mut most) = (to.expose_provenance() as u64, 0, 0);
    // SAFETY: the caller upholds that the place's content is given up. Both mappings show the same memory until the first one is
    // unmapped, which nobody uses.
    unsafe {
        let code = mach_vm_remap(
            mach_task_self_,
            &raw mut place,
            length as u64,
            0,
            OVERWRITE,
            mach_task_self_,
            from.expose_provenance() as u64,
            0,
            &raw mut protection,
            &raw mut most,
            COPIED,
        );
        if code == mach::SUCCESS {
            calls::unmap(from, length);
        }
        code == mach::SUCCESS
    }
}

/// Waits while a word, which another process may share, has a value; at most that long. Here it looks every millisecond.
pub(crate) fn wait_while(word: &AtomicU32, value: u32, nanoseconds: u64) {
    const NAP: u64 = 1_000_000;
    let end = clock::monotonic().saturating_add(nanoseconds);
    while word.load(Acquire) == value && clock::monotonic() < end {
        clock::sleep(NAP);
    }
}

/// Wakes all that wait for a change of a word: they look by themselves.
pub(crate) fn wake_all(_: &AtomicU32) {}

/// Whether a child of this process has ended. The child stays a zombie: the program still waits for it.
pub(crate) fn has_ended(child: u32) -> bool {
    let how = libc::WEXITED | libc::WNOHANG | libc::WNOWAIT;
    // SAFETY: all-zero is a valid record. The call writes it, and its process id, when it returns 0.
    unsafe {
        let mut info: libc::siginfo_t = core::mem::zeroed();
        wait_for(libc::P_PID, child, &raw mut info, how) == 0 && info.si_pid != 0
    }
}
