//! Sandboxes: a program that forbids itself system calls (seccomp) goes on as without the tracker.
//!
//! The program says so by `prctl` or `syscall`, for which memtrack stands in (see [`crate::os::linux::interpose`]). Before the filter
//! takes effect it is asked about each system call that the tracker makes. From then on those that it does not allow for
//! certain are not made: what needs them is left out and counted as lost, as if the kernel did not have them. When the
//! filter does not let a dump be written at exit, one is written before.
//!
//! A filter that comes with the process, from who started it, is not seen. It has let the program start, and where it
//! refuses a call by an error that is handled like any other.
//!
//! A filter may be of one thread. The tracker takes it for the whole process, since new threads inherit it.

use crate::os::linux::bpf;
use crate::os::linux::bpf::{Asked, Step};
use crate::os::linux::calls;
use crate::session::dump_stack;
use crate::session::dump_stack::Patience;
use crate::session::{registry, snapshot_file, triggers};
use crate::sync::*;
use core::ffi::{c_int, c_long, c_ulong};

/// The kernel's number of the machine, as filters see it.
const ARCHITECTURE: u32 = if cfg!(target_arch = "x86_64") {
    0xc000_003e
} else if cfg!(target_arch = "aarch64") {
    0xc000_00b7
} else if cfg!(target_arch = "riscv64") {
    0xc000_00f3
} else {
    0
};

/// The system calls that the tracker makes once a program runs, each with the arguments that are always the same.
macro_rules! calls {
    ($($name:ident $number:ident [$($argument:expr),*];)*) => {
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum Call { $($name),* }

        /// Their numbers and arguments, in the order of [`Call`].
        const CALLS: &[(c_long, &[Option<c_long>])] = &[$((libc::$number, &[$($argument),*])),*];
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
    Fstat SYS_fstat [];
    Ftruncate SYS_ftruncate [];
    Futex SYS_futex [None, Some((libc::FUTEX_WAIT_BITSET | libc::FUTEX_PRIVATE_FLAG) as c_long)];
    Getcwd SYS_getcwd [];
    Geteuid SYS_geteuid [];
    Getpid SYS_getpid [];
    Getppid SYS_getppid [];
    Gettid SYS_gettid [];
    Kill SYS_kill [None, Some(0)];
    Map SYS_mmap [Some(0), None, Some(3), Some((libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE) as c_long), Some(-1), Some(0)];
    MapAt SYS_mmap [None, None, Some(3), Some((libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE | libc::MAP_FIXED_NOREPLACE) as c_long), Some(-1), Some(0)];
    Membarrier SYS_membarrier [];
    Openat SYS_openat [Some(libc::AT_FDCWD as c_long)];
    Populate SYS_madvise [None, None, Some(libc::MADV_POPULATE_WRITE as c_long)];
    Pread SYS_pread64 [];
    ProcessVmReadv SYS_process_vm_readv [];
    Read SYS_read [];
    Readlink SYS_readlinkat [Some(libc::AT_FDCWD as c_long)];
    SchedYield SYS_sched_yield [];
    SignalMask SYS_rt_sigprocmask [];
    SignalWait SYS_rt_sigtimedwait [];
    SignalsPending SYS_rt_sigpending [];
    StackLimit SYS_prlimit64 [Some(0), Some(libc::RLIMIT_STACK as c_long), Some(0)];
    Stat SYS_newfstatat [Some(libc::AT_FDCWD as c_long), None, None, Some(0)];
    StatOpen SYS_newfstatat [None, None, None, Some(libc::AT_EMPTY_PATH as c_long)];
    ThreadName SYS_prctl [Some(libc::PR_GET_NAME as c_long)];
    Unmap SYS_munmap [];
    Write SYS_write [];
}

/// That by which the thread of an interval waits.
const OF_THE_THREAD: u64 = 1 << Call::Futex as u32;
/// What the strict mode allows, which is no filter.
const STRICT: u64 = 1 << Call::Read as u32 | 1 << Call::Write as u32;

/// One's complement of the set of calls that may be made.
static FORBIDDEN: AtomicU64 = AtomicU64::new(0);

/// Whether a call may be made.
#[inline]
pub(crate) fn allows(call: Call) -> bool {
    FORBIDDEN.load(Relaxed) & 1 << call as u32 == 0
}

pub(crate) fn number(call: Call) -> c_long {
    CALLS[call as usize].0
}

/// Whether a dump can be written.
pub(crate) fn allows_dumps() -> bool {
    dumps_without(FORBIDDEN.load(Relaxed))
}

/// Whether a dump can be written where calls are forbidden.
fn dumps_without(forbidden: u64) -> bool {
    let set = |calls: &[Call]| calls.iter().fold(0, |set: u64, &call| set | 1 << call as u32);
    // A file is checked before it is written, by one of two calls.
    let of_checks = set(&[Call::Fstat, Call::StatOpen]);
    forbidden & set(&[Call::Openat, Call::Write, Call::Close]) == 0 && forbidden & of_checks != of_checks
}

/// The process's number, from before a filter forbade to ask for it.
static PID: AtomicU32 = AtomicU32::new(0);

/// The process's number. A child of a process that may not ask has its parent's.
pub(crate) fn pid() -> u32 {
    if allows(Call::Getpid) { calls::getpid() as u32 } else { PID.load(Relaxed) }
}

/// Whether everything may be done that recordings need, which ask for more than dumps.
pub(crate) fn is_none() -> bool {
    FORBIDDEN.load(Relaxed) == 0
}

/// The times of the clocks, monotonic and real, when a filter came to forbid them. The system need not be asked for the
/// time on most machines, but the strict mode takes the processor's own counter away as well.
static TIMES: [AtomicU64; 2] = [const { AtomicU64::new(0) }; 2];

/// The time of a clock that may not be read: when that began.
pub(crate) fn last_time(clock: libc::clockid_t) -> u64 {
    TIMES[usize::from(clock == libc::CLOCK_REALTIME)].load(Relaxed)
}

/// Whether clocks may be read.
#[inline]
pub(crate) fn allows_clocks() -> bool {
    allows(Call::Clock)
}

/// The user whose files the process makes, from before a filter forbade to ask for it.
static USER: AtomicU32 = AtomicU32::new(0);

/// The user whose files the process makes.
pub(crate) fn user() -> u32 {
    if allows(Call::Geteuid) { calls::geteuid() } else { USER.load(Relaxed) }
}

/// What a program asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Seal {
    Strict,
    /// By a filter, at an address that it says.
    Filter(usize),
}

impl Seal {
    /// What `prctl` is asked for.
    pub(crate) fn of_prctl(option: c_int, [mode, filter]: [c_ulong; 2]) -> Option<Seal> {
        match (option, mode as u32) {
            (libc::PR_SET_SECCOMP, libc::SECCOMP_MODE_STRICT) => Some(Seal::Strict),
            (libc::PR_SET_SECCOMP, libc::SECCOMP_MODE_FILTER) => Some(Seal::Filter(filter as usize)),
            _ => None,
        }
    }

    /// What the system is asked for.
    pub(crate) fn of_call(number: c_long, [a, b, c, ..]: [usize; 6]) -> Option<Seal> {
        match (number, a as u32) {
            (libc::SYS_prctl, option) => Seal::of_prctl(option as c_int, [b as c_ulong, c as c_ulong]),
            (libc::SYS_seccomp, libc::SECCOMP_SET_MODE_STRICT) => Some(Seal::Strict),
            (libc::SYS_seccomp, libc::SECCOMP_SET_MODE_FILTER) => Some(Seal::Filter(c)),
            _ => None,
        }
    }

    /// The calls that it forbids.
    fn forbidden(self) -> u64 {
        match self {
            Seal::Strict => !STRICT,
            // A filter that cannot be read may forbid anything.
            Seal::Filter(program) => {
                dump_stack::run(Patience::Seconds, || forbidden_by(program)).unwrap_or(u64::MAX)
            }
        }
    }

    /// Runs `seal`, which does what was asked for and returns a negative number when it failed.
    pub(crate) fn run<T: Copy + PartialOrd + Default>(self, seal: impl FnOnce() -> T) -> T {
        let before = FORBIDDEN.load(Relaxed);
        let forbidden = before | self.forbidden();
        PID.store(pid(), Relaxed);
        USER.store(user(), Relaxed);
        for clock in [libc::CLOCK_MONOTONIC, libc::CLOCK_REALTIME] {
            TIMES[usize::from(clock == libc::CLOCK_REALTIME)]
                .store(crate::platform::host::clock(clock), Relaxed);
        }
        if dumps_without(before) && !dumps_without(forbidden) && snapshot_file::is_set() {
            triggers::write_before_sandbox();
        }
        if !dumps_without(forbidden) || forbidden & OF_THE_THREAD != 0 {
            triggers::end_thread();
        }
        if forbidden & 1 << Call::Membarrier as u32 != 0 {
            // A second thread would need it.
            registry::all().for_each(|(_, region)| region.expect_threads());
        }
        // Before it takes effect, in which no other thread may make a call that ends the process.
        FORBIDDEN.store(forbidden, SeqCst);
        let result = seal();
        if result < T::default() {
            FORBIDDEN.store(before, SeqCst);
        }
        result
    }
}

/// The calls that the filter at an address forbids: `sock_fprog`, a number of instructions and where they are.
fn forbidden_by(program: usize) -> u64 {
    /// Instructions that the kernel takes, at most.
    const MOST: usize = 4096;
    let mut head = [0u8; 2 * size_of::<usize>()];
    if !calls::copy(program, &mut head) {
        return u64::MAX;
    }
    let (length, place) = head.split_at(size_of::<usize>());
    let length = usize::from(u16::from_ne_bytes([length[0], length[1]]));
    let place = usize::from_ne_bytes(place.try_into().unwrap_or_default());
    let mut filter = [Step::default(); MOST];
    let Some(filter) = filter.get_mut(..length) else { return u64::MAX };
    // SAFETY: the instructions are integers without padding, so any bytes are some.
    let bytes = unsafe {
        core::slice::from_raw_parts_mut(filter.as_mut_ptr().cast::<u8>(), size_of_val::<[Step]>(filter))
    };
    if !calls::copy(place, bytes) {
        return u64::MAX;
    }
    let forbidden = CALLS.iter().enumerate().filter(|(_, (number, known))| {
        let mut arguments = [None; 6];
        arguments.iter_mut().zip(*known).for_each(|(to, known)| *to = known.map(|known| known as u64));
        !bpf::allows(filter, &Asked { number: *number as u32, architecture: ARCHITECTURE, arguments })
    });
    forbidden.fold(0, |set, (place, _)| set | 1 << place)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[repr(C)]
    struct Program {
        length: u16,
        steps: *const libc::sock_filter,
    }

    fn forbidden(steps: &[libc::sock_filter]) -> u64 {
        let program = Program { length: steps.len() as u16, steps: steps.as_ptr() };
        forbidden_by(core::ptr::from_ref(&program).addr())
    }

    #[test]
    fn a_filter_forbids_what_it_does_not_allow() {
        let step = |code: u32, jt: u8, k: u32| libc::sock_filter { code: code as u16, jt, jf: 0, k };
        let load = step(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, 0, 0);
        let is = |call: Call| step(libc::BPF_JMP | libc::BPF_JEQ, 1, number(call) as u32);
        let end = |k| step(libc::BPF_RET, 0, k);
        let only_reads =
            [load, is(Call::Read), end(libc::SECCOMP_RET_KILL_PROCESS), end(libc::SECCOMP_RET_ALLOW)];
        let all = (1 << CALLS.len()) - 1;
        assert_eq!(forbidden(&only_reads), all & !(1 << Call::Read as u32));
        assert_eq!(forbidden(&[end(libc::SECCOMP_RET_ALLOW)]), 0);
        assert_eq!(forbidden(&[end(libc::SECCOMP_RET_ERRNO)]), all);
    }

    #[test]
    fn a_filter_that_cannot_be_read_forbids_everything() {
        assert_eq!(forbidden_by(0), u64::MAX);
        let program = Program { length: 3, steps: core::ptr::without_provenance(8) };
        assert_eq!(forbidden_by(core::ptr::from_ref(&program).addr()), u64::MAX);
        assert_eq!(forbidden(&[]), (1 << CALLS.len()) - 1);
    }

    #[test]
    fn requests_are_known_however_they_are_made() {
        let (strict, filter) = (libc::SECCOMP_MODE_STRICT as c_ulong, libc::SECCOMP_MODE_FILTER as c_ulong);
        assert_eq!(Seal::of_prctl(libc::PR_SET_SECCOMP, [strict, 0]), Some(Seal::Strict));
        assert_eq!(Seal::of_prctl(libc::PR_SET_SECCOMP, [filter, 5]), Some(Seal::Filter(5)));
        assert_eq!(Seal::of_prctl(libc::PR_GET_NAME, [filter, 5]), None);
        let asked = |number, a: usize, b: usize, c| Seal::of_call(number, [a, b, c, 0, 0, 0]);
        let option = libc::PR_SET_SECCOMP as usize;
        assert_eq!(asked(libc::SYS_prctl, option, filter as usize, 7), Some(Seal::Filter(7)));
        assert_eq!(asked(libc::SYS_seccomp, 0, 0, 0), Some(Seal::Strict));
        assert_eq!(asked(libc::SYS_seccomp, 1, 0, 9), Some(Seal::Filter(9)));
        // What actions there are.
        assert_eq!(asked(libc::SYS_seccomp, 2, 0, 9), None);
        assert_eq!(asked(libc::SYS_getpid, 1, 0, 9), None);
    }
}
