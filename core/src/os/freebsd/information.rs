//! What the kernel knows about processes, by `sysctl`. It takes no lock and no memory of the C library.

use core::ffi::c_int;
use core::mem::MaybeUninit;

/// Fills `buffer` with what the kernel has of a kind about a process, and returns the number of bytes; `None` when it has nothing, or
/// more than the buffer takes. Sets `errno` when it fails.
pub(super) fn bytes(kind: c_int, process: c_int, buffer: &mut [u8]) -> Option<usize> {
    let name = [libc::CTL_KERN, libc::KERN_PROC, kind, process];
    let mut length = buffer.len();
    // SAFETY: the name has four numbers, and the buffer is valid for its length.
    let code = unsafe {
        libc::sysctl(name.as_ptr(), 4, buffer.as_mut_ptr().cast(), &raw mut length, core::ptr::null(), 0)
    };
    (code == 0).then_some(length)
}

/// The kernel's record about a process; `None` when there is none. Sets `errno` when it fails.
pub(super) fn process(id: u32) -> Option<libc::kinfo_proc> {
    let mut record = MaybeUninit::<libc::kinfo_proc>::zeroed();
    // SAFETY: the record is zeroed, and so initialised.
    let buffer = unsafe {
        core::slice::from_raw_parts_mut(record.as_mut_ptr().cast::<u8>(), size_of::<libc::kinfo_proc>())
    };
    let length = bytes(libc::KERN_PROC_PID, id as c_int, buffer)?;
    // SAFETY: the record consists of numbers and addresses, and the kernel has filled it in.
    (length == size_of::<libc::kinfo_proc>()).then(|| unsafe { record.assume_init() })
}
