//! The system calls of the tracker.
//!
//! Those that are cancellation points in the C library are called by the names under which they are none: `malloc` must not
//! be a cancellation point. A call that fails sets `errno`.

use super::mach::{self, mach_task_self_, mach_vm_read_overwrite};
use core::ffi::{CStr, c_char, c_int, c_void};
use core::mem::MaybeUninit;
use core::ptr::null_mut;

/// The system's record about a file.
pub(crate) use libc::stat as Status;

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

/// `fcntl` with a record that the command reads and writes.
pub(super) fn control_with<T>(file: c_int, command: c_int, record: &mut T) -> c_int {
    // SAFETY: the callers pass the record of the command, which is valid for the call.
    unsafe { without_cancellation::fcntl(file, command, core::ptr::from_mut(record)) }
}

/// Whether a descriptor is closed. False when that is unknown.
pub(crate) fn is_closed(file: c_int) -> bool {
    control(file, libc::F_GETFD, 0) < 0 && super::errno::errno() == libc::EBADF
}

/// Opens a descriptor that can neither be read nor written.
pub(crate) fn open_placeholder() -> c_int {
    open(c"/", libc::O_EVTONLY | libc::O_CLOEXEC, 0)
}

/// Whether a descriptor is one from [`open_placeholder`]. False when that is unknown. The system does not tell how a descriptor
/// was opened: it counts as one when it is the root folder.
pub(crate) fn is_placeholder(file: c_int) -> bool {
    match (fstat(file), stat(c"/")) {
        (Some(file), Some(root)) => (file.st_dev, file.st_ino) == (root.st_dev, root.st_ino),
        _ => false,
    }
}

/// A length beyond the limit of a file's size fails without the call, which would send a signal to the process.
pub(crate) fn ftruncate(file: c_int, length: usize) -> c_int {
    if size_limit().is_some_and(|limit| length as u64 > limit) {
        super::errno::set_errno(libc::EFBIG);
        return -1;
    }
    // SAFETY: the call takes only numbers.
    unsafe { libc::ftruncate(file, length as libc::off_t) }
}

pub(crate) fn flock(file: c_int, how: c_int) -> c_int {
    // SAFETY: the call takes only numbers.
    unsafe { libc::flock(file, how) }
}

/// The kernel's record about the file at a path.
pub(crate) fn stat(path: &CStr) -> Option<Status> {
    let mut file = MaybeUninit::<Status>::uninit();
    // SAFETY: the path is a C string. The call has filled the record in when it returns 0.
    unsafe { (libc::stat(path.as_ptr(), file.as_mut_ptr()) == 0).then(|| file.assume_init()) }
}

/// The kernel's record about an open file.
pub(crate) fn fstat(file: c_int) -> Option<Status> {
    let mut about = MaybeUninit::<Status>::uninit();
    // SAFETY: the call has filled the record in when it returns 0.
    unsafe { (libc::fstat(file, about.as_mut_ptr()) == 0).then(|| about.assume_init()) }
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

/// Whether a write to the end of a regular file would pass the limit of a file's size.
fn is_beyond_limit(file: c_int, length: usize) -> bool {
    size_limit().is_some_and(|limit| {
        fstat(file).is_some_and(|about| {
            let end = (about.st_size as u64).saturating_add(length as u64);
            about.st_mode & libc::S_IFMT == libc::S_IFREG && end > limit
        })
    })
}

/// The limit of a file's size; `None` when there is none.
fn size_limit() -> Option<u64> {
    let mut limit = libc::rlimit { rlim_cur: libc::RLIM_INFINITY, rlim_max: libc::RLIM_INFINITY };
    // SAFETY: the record is valid for the call.
    unsafe { libc::getrlimit(libc::RLIMIT_FSIZE, &raw mut limit) };
    (limit.rlim_cur != libc::RLIM_INFINITY).then_some(limit.rlim_cur)
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

/// Sends a signal to the calling thread.
pub(crate) fn signal_this_thread(signal: c_int) {
    // SAFETY: the thread runs.
    unsafe { libc::pthread_kill(libc::pthread_self(), signal) };
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

/// # Safety
/// The range must be mapped by the tracker, and nobody may use it any more.
pub(crate) unsafe fn unmap(place: *mut c_void, length: usize) {
    // SAFETY: the caller upholds that the range is the tracker's own and unused.
    unsafe { libc::munmap(place, length) };
}

/// Makes pages of a private mapping resident where the system can do so at once. Here it cannot.
pub(crate) fn populate(_: *mut c_void, _: usize) {}

/// Whether the calling thread is on its alternate signal stack; `None` when that is unknown.
pub(crate) fn is_on_alternate_stack() -> Option<bool> {
    let mut stack = libc::stack_t { ss_sp: null_mut(), ss_size: 0, ss_flags: 0 };
    // SAFETY: the record is valid for the call, which changes nothing else.
    let found = unsafe { libc::sigaltstack(core::ptr::null(), &raw mut stack) } == 0;
    found.then_some(stack.ss_flags & libc::SS_ONSTACK != 0)
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
