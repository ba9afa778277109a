//! The system calls of the tracker, and the set of those that are forbidden.

use crate::os::linux::kernel_headers::{self, MAP_FIXED_NOREPLACE};
use crate::sync::*;
use core::ffi::c_long;

/// The number of a call. Machines with 32 bits have other calls for some, by a second name.
macro_rules! number {
    ($number:ident) => {
        kernel_headers::$number
    };
    ($wide:ident $narrow:ident) => {{
        #[cfg(target_pointer_width = "64")]
        let number = kernel_headers::$wide;
        #[cfg(target_pointer_width = "32")]
        let number = kernel_headers::$narrow;
        number
    }};
}

/// Defines the system calls that the tracker makes once a program runs, each with the arguments that are always the
/// same.
macro_rules! calls {
    ($($name:ident $number:ident $(or $narrow:ident)? [$($argument:expr),*];)*) => {
        /// A system call of the tracker.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum Call { $($name),* }

        /// The numbers and the known arguments of the calls, in the order of [`Call`].
        pub(super) const CALLS: &[(c_long, &[Option<c_long>])] = &[$((number!($number $($narrow)?), &[$($argument),*])),*];
    };
}

calls! {
    AlternateStack SYS_sigaltstack [Some(0)];
    Clock SYS_clock_gettime [];
    ClearInChild SYS_madvise [None, None, Some(libc::MADV_WIPEONFORK as c_long)];
    Close SYS_close [];
    ClockNanosleep SYS_clock_nanosleep [];
    DescriptorFlags SYS_fcntl [None, Some(libc::F_GETFD as c_long)];
    Duplicate SYS_fcntl [None, Some(libc::F_DUPFD_CLOEXEC as c_long), Some(3)];
    Flags SYS_fcntl [None, Some(libc::F_GETFL as c_long)];
    Flock SYS_flock [];
    Fstat SYS_fstat or SYS_fstat64 [];
    Ftruncate SYS_ftruncate [];
    Futex SYS_futex [None, Some((libc::FUTEX_WAIT_BITSET | libc::FUTEX_PRIVATE_FLAG) as c_long)];
    Getcwd SYS_getcwd [];
    Geteuid SYS_geteuid or SYS_geteuid32 [];
    Getpid SYS_getpid [];
    Getppid SYS_getppid [];
    Gettid SYS_gettid [];
    Kill SYS_kill [None, Some(0)];
    Map SYS_mmap or SYS_mmap2 [Some(0), None, Some(3), Some((libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE) as c_long), Some(-1), Some(0)];
    MapAt SYS_mmap or SYS_mmap2 [None, None, Some(3), Some((libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE | MAP_FIXED_NOREPLACE) as c_long), Some(-1), Some(0)];
    Membarrier SYS_membarrier [];
    Openat SYS_openat [Some(libc::AT_FDCWD as c_long)];
    Pread SYS_pread64 [];
    ProcessVmReadv SYS_process_vm_readv [];
    Read SYS_read [];
    Readlink SYS_readlinkat [Some(libc::AT_FDCWD as c_long)];
    SchedYield SYS_sched_yield [];
    SignalMask SYS_rt_sigprocmask [];
    SignalWait SYS_rt_sigtimedwait [];
    SignalsPending SYS_rt_sigpending [];
    StackLimit SYS_prlimit64 [Some(0), Some(libc::RLIMIT_STACK as c_long), Some(0)];
    Stat SYS_newfstatat or SYS_fstatat64 [Some(libc::AT_FDCWD as c_long), None, None, Some(0)];
    StatOpen SYS_newfstatat or SYS_fstatat64 [None, None, None, Some(libc::AT_EMPTY_PATH as c_long)];
    ThreadName SYS_prctl [Some(libc::PR_GET_NAME as c_long)];
    Unmap SYS_munmap [];
    Write SYS_write [];
}

/// The set of forbidden calls.
static FORBIDDEN: AtomicU64 = AtomicU64::new(0);

/// The set of the given calls: the bit of a call is its place in [`Call`].
pub(super) const fn set(calls: &[Call]) -> u64 {
    let (mut set, mut i) = (0, 0);
    while i < calls.len() {
        set |= 1 << calls[i] as u32;
        i += 1;
    }
    set
}

/// The set of forbidden calls.
pub(super) fn forbidden() -> u64 {
    FORBIDDEN.load(Relaxed)
}

/// Replaces the set of forbidden calls.
#[cfg(interposing)]
pub(super) fn forbid(calls: u64) {
    FORBIDDEN.store(calls, SeqCst);
}

/// Whether the tracker may make a call.
#[inline]
pub(crate) fn allows(call: Call) -> bool {
    forbidden() & set(&[call]) == 0
}

/// The kernel's number of a call.
pub(crate) fn number(call: Call) -> c_long {
    CALLS[call as usize].0
}

/// Whether no call is forbidden. Recordings need this: they make more calls than snapshots.
pub(crate) fn allows_all() -> bool {
    forbidden() == 0
}

/// Whether no sandbox forbids to write a snapshot to a file.
pub(crate) fn allows_snapshots() -> bool {
    snapshots_without(forbidden())
}

/// Whether a snapshot can be written to a file where these calls are forbidden.
pub(super) fn snapshots_without(forbidden: u64) -> bool {
    // A file is checked before it is written. Either of two calls suffices.
    let of_checks = set(&[Call::Fstat, Call::StatOpen]);
    forbidden & set(&[Call::Openat, Call::Write, Call::Close]) == 0 && forbidden & of_checks != of_checks
}
