//! The system calls of the tracker.
//!
//! A call that a sandbox [forbids](super::sandbox) is not made: it fails with `ENOSYS`, as on a kernel that lacks it.
//!
//! The calls do not go through the C library. Its functions are cancellation points, which `malloc` must not be, and
//! some of them lock. Names, arguments and results are those of the C library's functions, and a call that fails sets
//! `errno`.

use super::errno::errno;
use super::kernel_headers::MAP_FIXED_NOREPLACE;
use super::sandbox::calls_allowed::{self, Call};
use super::system_call;
use core::ffi::{CStr, c_int, c_void};
use core::mem::MaybeUninit;

/// The kernel's record about a file.
#[cfg(target_pointer_width = "64")]
pub(crate) use libc::stat as Status;
#[cfg(target_pointer_width = "32")]
pub(crate) use libc::stat64 as Status;

/// A set of signals: signal 1 is its lowest bit.
pub(crate) type SignalMask = u64;

/// Makes a call, unless it is forbidden.
macro_rules! call {
    ($name:ident $(, $argument:expr)*) => {
        make(Call::$name, &[$($argument as usize),*])
    };
}

fn make(call: Call, given: &[usize]) -> isize {
    let result = if calls_allowed::allows(call) {
        let mut arguments = [0; 6];
        arguments.iter_mut().zip(given).for_each(|(to, from)| *to = *from);
        // SAFETY: the functions below pass the call's arguments. They pass pointers to memory that they own or borrow,
        // or their callers uphold what the call requires of memory.
        unsafe { system_call::raw(calls_allowed::number(call), arguments) }
    } else {
        -(libc::ENOSYS as isize)
    };
    system_call::returned(result)
}

pub(crate) fn open(path: &CStr, flags: c_int, mode: libc::mode_t) -> c_int {
    call!(Openat, libc::AT_FDCWD, path.as_ptr(), flags, mode) as c_int
}

pub(crate) fn close(file: c_int) -> c_int {
    call!(Close, file) as c_int
}

pub(crate) fn read(file: c_int, to: &mut [u8]) -> isize {
    call!(Read, file, to.as_mut_ptr(), to.len())
}

pub(crate) fn pread(file: c_int, to: &mut [u8], offset: usize) -> isize {
    if cfg!(target_arch = "arm") {
        // Here an offset of 64 bits begins with a register of an even number.
        return call!(Pread, file, to.as_mut_ptr(), to.len(), 0, offset);
    }
    call!(Pread, file, to.as_mut_ptr(), to.len(), offset)
}

/// Whether a descriptor is closed. False when that is unknown.
pub(crate) fn is_closed(file: c_int) -> bool {
    call!(DescriptorFlags, file, libc::F_GETFD) < 0 && errno() == libc::EBADF
}

/// Opens a descriptor that can neither be read nor written.
pub(crate) fn open_placeholder() -> c_int {
    open(c"/", libc::O_PATH | libc::O_CLOEXEC, 0)
}

/// Whether a descriptor is one from [`open_placeholder`]. False when that is unknown.
pub(crate) fn is_placeholder(file: c_int) -> bool {
    let flags = call!(Flags, file, libc::F_GETFL) as c_int;
    flags >= 0 && flags & libc::O_PATH != 0
}

pub(crate) fn ftruncate(file: c_int, length: usize) -> c_int {
    call!(Ftruncate, file, length) as c_int
}

pub(crate) fn flock(file: c_int, how: c_int) -> c_int {
    call!(Flock, file, how) as c_int
}

/// Checks that a process exists, by signal 0, which is never sent. 0 when it does.
pub(crate) fn check_process(pid: libc::pid_t) -> c_int {
    call!(Kill, pid, 0) as c_int
}

/// Duplicates a descriptor, to the lowest free number from `least` on.
pub(crate) fn duplicate(file: c_int, least: c_int) -> c_int {
    call!(Duplicate, file, libc::F_DUPFD_CLOEXEC, least) as c_int
}

/// The kernel's record about the file at a path.
pub(crate) fn stat(path: &CStr) -> Option<Status> {
    let mut file = MaybeUninit::<Status>::uninit();
    // SAFETY: the call has filled the record in when it returns 0.
    (call!(Stat, libc::AT_FDCWD, path.as_ptr(), file.as_mut_ptr(), 0) == 0)
        .then(|| unsafe { file.assume_init() })
}

/// The kernel's record about an open file.
pub(crate) fn fstat(file: c_int) -> Option<Status> {
    let mut about = MaybeUninit::<Status>::uninit();
    let record = about.as_mut_ptr();
    let result = if calls_allowed::allows(Call::Fstat) {
        call!(Fstat, file, record)
    } else {
        // The C library makes this call for `fstat`, so a filter for programs of the C library allows it.
        call!(StatOpen, file, c"".as_ptr(), record, libc::AT_EMPTY_PATH)
    };
    // SAFETY: the call has filled the record in when it returns 0.
    (result == 0).then(|| unsafe { about.assume_init() })
}

pub(crate) fn readlink(link: &CStr, to: &mut [u8]) -> isize {
    call!(Readlink, libc::AT_FDCWD, link.as_ptr(), to.as_mut_ptr(), to.len())
}

/// Writes the current folder and a NUL, and returns the length of both.
pub(crate) fn getcwd(to: &mut [u8]) -> isize {
    call!(Getcwd, to.as_mut_ptr(), to.len())
}

pub(crate) fn write(file: c_int, bytes: &[u8]) -> isize {
    call!(Write, file, bytes.as_ptr(), bytes.len())
}

pub(crate) fn getpid() -> libc::pid_t {
    call!(Getpid) as libc::pid_t
}

pub(crate) fn geteuid() -> libc::uid_t {
    call!(Geteuid) as libc::uid_t
}

pub(crate) fn getppid() -> libc::pid_t {
    call!(Getppid) as libc::pid_t
}

pub(crate) fn gettid() -> libc::pid_t {
    call!(Gettid) as libc::pid_t
}

/// # Safety
/// `name` must have room for 16 bytes.
pub(crate) unsafe fn thread_name(name: *mut u8) -> c_int {
    call!(ThreadName, libc::PR_GET_NAME, name) as c_int
}

pub(crate) fn sched_yield() {
    call!(SchedYield);
}

pub(crate) fn nanosleep(time: &libc::timespec) {
    call!(ClockNanosleep, libc::CLOCK_MONOTONIC, 0, core::ptr::from_ref(time), 0);
}

/// Sets the calling thread's signal mask and returns the mask before; `None` when the call fails.
pub(crate) fn set_signal_mask(mask: u64) -> Option<u64> {
    let mut before = 0u64;
    let (new, old) = (core::ptr::from_ref(&mask), &raw mut before);
    (call!(SignalMask, libc::SIG_SETMASK, new, old, size_of::<u64>()) == 0).then_some(before)
}

/// Adds signals to the calling thread's signal mask and returns the mask before; `None` when the call fails.
pub(crate) fn block_signals(signals: u64) -> Option<u64> {
    let mut before = 0u64;
    let (new, old) = (core::ptr::from_ref(&signals), &raw mut before);
    (call!(SignalMask, libc::SIG_BLOCK, new, old, size_of::<u64>()) == 0).then_some(before)
}

/// The mask of the signals that are pending for the calling thread; `None` when the call fails.
pub(crate) fn pending_signals() -> Option<u64> {
    let mut pending = 0u64;
    (call!(SignalsPending, &raw mut pending, size_of::<u64>()) == 0).then_some(pending)
}

/// Takes one of these signals from those that are pending, without its handler. False when none of them is pending.
pub(crate) fn take_signal(signals: u64) -> bool {
    const AT_ONCE: [usize; 2] = [0; 2];
    call!(SignalWait, core::ptr::from_ref(&signals), 0, AT_ONCE.as_ptr(), size_of::<u64>()) > 0
}

/// Sends a signal to the calling thread.
pub(crate) fn signal_this_thread(signal: c_int) {
    // SAFETY: the call takes only numbers.
    unsafe { libc::syscall(libc::SYS_tgkill, libc::getpid(), libc::gettid(), signal) };
}

/// Maps zeroed private pages; null when the call fails.
pub(crate) fn map(length: usize) -> *mut c_void {
    let protection = libc::PROT_READ | libc::PROT_WRITE;
    let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE;
    // On this machine the call takes its arguments in memory.
    #[cfg(target_arch = "s390x")]
    // SAFETY: a new mapping at a place of the system's choice.
    let place = unsafe { libc::mmap(core::ptr::null_mut(), length, protection, flags, -1, 0) as isize };
    #[cfg(not(target_arch = "s390x"))]
    let place = call!(Map, 0, length, protection, flags, -1isize, 0);
    if place == -1 { core::ptr::null_mut() } else { core::ptr::with_exposed_provenance_mut(place as usize) }
}

/// Maps zeroed private pages at `place`, if no mapping is there, and returns their address; null when the call fails.
/// Linux before 4.17 maps them elsewhere when a mapping is there.
pub(crate) fn map_at(place: *mut c_void, length: usize) -> *mut c_void {
    let protection = libc::PROT_READ | libc::PROT_WRITE;
    let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE | MAP_FIXED_NOREPLACE;
    #[cfg(target_arch = "s390x")]
    // SAFETY: the call replaces no mapping.
    let place = unsafe { libc::mmap(place, length, protection, flags, -1, 0) as isize };
    #[cfg(not(target_arch = "s390x"))]
    let place = call!(MapAt, place, length, protection, flags, -1isize, 0);
    if place == -1 { core::ptr::null_mut() } else { core::ptr::with_exposed_provenance_mut(place as usize) }
}

/// # Safety
/// The range must be mapped by the tracker, and nobody may use it any more.
pub(crate) unsafe fn unmap(place: *mut c_void, length: usize) {
    call!(Unmap, place, length);
}

/// Makes the kernel clear whole pages of a private mapping in each forked child, if it can.
pub(crate) fn clear_in_child(place: *mut c_void, length: usize) {
    call!(ClearInChild, place, length, libc::MADV_WIPEONFORK);
}

pub(crate) fn membarrier(command: c_int) -> c_int {
    call!(Membarrier, command, 0, 0) as c_int
}

/// Whether the eight bytes at `address` can be read; `None` when that is unknown. Changes `errno`.
pub(crate) fn probe(address: usize) -> Option<bool> {
    const NO_SUCH_HOW: isize = -1;
    // The kernel reads the signal set first, and fails with EFAULT when it cannot. Then it refuses the invalid `how`
    // with EINVAL. It changes nothing.
    let _ = call!(SignalMask, NO_SUCH_HOW, address, 0, 8);
    match errno() {
        libc::EINVAL => Some(true),
        libc::EFAULT => Some(false),
        _ => None,
    }
}

/// Whether the eight bytes at `address` are known to be readable. Changes `errno`.
pub(crate) fn is_readable(address: usize) -> bool {
    probe(address) == Some(true)
}

/// Whether the eight bytes at `address` are known not to be readable. Changes `errno`.
pub(crate) fn is_unreadable(address: usize) -> bool {
    probe(address) == Some(false)
}

/// Copies pieces of this process's memory one after another, up to the first that cannot be read, and returns the
/// number of bytes; negative when the first piece cannot be read or the call fails.
pub(crate) fn gather(from: &[libc::iovec], to: &mut [u8]) -> isize {
    let to_vector = libc::iovec { iov_base: to.as_mut_ptr().cast(), iov_len: to.len() };
    call!(ProcessVmReadv, getpid(), &raw const to_vector, 1, from.as_ptr(), from.len(), 0)
}

/// The soft limit of the main thread's stack in bytes; `None` when it is unknown.
pub(crate) fn stack_limit() -> Option<u64> {
    let mut limit = libc::rlimit64 { rlim_cur: 0, rlim_max: 0 };
    (call!(StackLimit, 0, libc::RLIMIT_STACK, 0, &raw mut limit) == 0).then_some(limit.rlim_cur)
}

/// Whether the calling thread is on its alternate signal stack; `None` when that is unknown.
pub(crate) fn is_on_alternate_stack() -> Option<bool> {
    let mut stack = libc::stack_t { ss_sp: core::ptr::null_mut(), ss_flags: 0, ss_size: 0 };
    let found = call!(AlternateStack, 0, &raw mut stack) == 0;
    found.then_some(stack.ss_flags & libc::SS_ONSTACK != 0)
}

/// Copies memory of this process from the address `from` on; false when some of it cannot be read, or that is unknown.
/// May change `errno`.
pub(crate) fn copy(from: usize, to: &mut [u8]) -> bool {
    let to_vector = libc::iovec { iov_base: to.as_mut_ptr().cast(), iov_len: to.len() };
    let from_vector = libc::iovec { iov_base: from as *mut c_void, iov_len: to.len() };
    let (to_vector, from_vector) = (&raw const to_vector, &raw const from_vector);
    call!(ProcessVmReadv, getpid(), to_vector, 1, from_vector, 1, 0) == to.len() as isize
}
