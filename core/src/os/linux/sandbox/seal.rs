//! The moment when a program puts itself into a sandbox.

use super::bpf::{self, Query, Step};
use super::calls_allowed::{self, CALLS, Call, set, snapshots_without};
use crate::os::callbacks::{Sealing, interposed};
use crate::os::dump_stack;
use crate::os::linux::{calls, clock, ids};
use crate::os::patience::Patience;
use core::ffi::{c_int, c_long, c_ulong};

/// The kernel's number of the architecture, which filters see (`AUDIT_ARCH_…`). 0 matches none.
const ARCHITECTURE: u32 = if cfg!(target_arch = "x86_64") {
    0xc000_003e
} else if cfg!(target_arch = "aarch64") {
    0xc000_00b7
} else if cfg!(target_arch = "riscv64") {
    0xc000_00f3
} else if cfg!(target_arch = "x86") {
    0x4000_0003
} else if cfg!(target_arch = "arm") {
    0x4000_0028
} else {
    0
};

/// The calls of the tracker that the strict mode allows. The strict mode has no filter.
const STRICT: u64 = set(&[Call::Read, Call::Write]);

/// A program's request for a sandbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Seal {
    /// The strict mode.
    Strict,
    /// A filter: the address of its `struct sock_fprog`.
    Filter(usize),
}

impl Seal {
    /// The request in a call of `prctl`; `None` when it is about something else.
    pub(crate) fn of_prctl(option: c_int, [mode, filter]: [c_ulong; 2]) -> Option<Seal> {
        match (option, mode as u32) {
            (libc::PR_SET_SECCOMP, libc::SECCOMP_MODE_STRICT) => Some(Seal::Strict),
            (libc::PR_SET_SECCOMP, libc::SECCOMP_MODE_FILTER) => Some(Seal::Filter(filter as usize)),
            _ => None,
        }
    }

    /// The request in a system call; `None` when it is about something else.
    pub(crate) fn of_call(number: c_long, [a, b, c, ..]: [usize; 6]) -> Option<Seal> {
        match (number, a as u32) {
            (libc::SYS_prctl, option) => Seal::of_prctl(option as c_int, [b as c_ulong, c as c_ulong]),
            (libc::SYS_seccomp, libc::SECCOMP_SET_MODE_STRICT) => Some(Seal::Strict),
            (libc::SYS_seccomp, libc::SECCOMP_SET_MODE_FILTER) => Some(Seal::Filter(c)),
            _ => None,
        }
    }

    /// The set of calls that the sandbox forbids.
    fn forbidden(self) -> u64 {
        match self {
            Seal::Strict => !STRICT,
            // A filter that cannot be read may forbid all calls.
            Seal::Filter(program) => {
                dump_stack::run(Patience::Seconds, || forbidden_by(program)).unwrap_or(u64::MAX)
            }
        }
    }

    /// Runs `seal`, which makes the request to the kernel and returns a negative number when it fails. The session
    /// prepares before. Outside the hook.
    pub(crate) fn run<T: Copy + PartialOrd + Default>(self, seal: impl FnOnce() -> T) -> T {
        let before = calls_allowed::forbidden();
        let forbidden = before | self.forbidden();
        ids::remember();
        clock::remember();
        if let Some(interposed) = interposed() {
            (interposed.sealing)(Sealing {
                last_snapshot: snapshots_without(before) && !snapshots_without(forbidden),
                no_thread: !snapshots_without(forbidden) || forbidden & set(&[Call::Futex]) != 0,
                no_barrier: forbidden & set(&[Call::Membarrier]) != 0,
            });
        }
        // Before the sandbox is in force: from that moment on a forbidden call of any thread may end the process.
        calls_allowed::forbid(forbidden);
        let result = seal();
        if result < T::default() {
            calls_allowed::forbid(before);
        }
        result
    }
}

/// The set of calls that a filter forbids. `program` is the address of its `struct sock_fprog`: the number of
/// instructions, and their address. All calls, when the filter cannot be read.
fn forbidden_by(program: usize) -> u64 {
    /// The most instructions that the kernel takes.
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
    // SAFETY: instructions are integers without padding: they are initialised bytes, and any bytes are valid
    // instructions.
    let bytes = unsafe {
        core::slice::from_raw_parts_mut(filter.as_mut_ptr().cast::<u8>(), size_of_val::<[Step]>(filter))
    };
    if !calls::copy(place, bytes) {
        return u64::MAX;
    }
    let forbidden = CALLS.iter().enumerate().filter(|(_, (number, known))| {
        let mut arguments = [None; 6];
        arguments.iter_mut().zip(*known).for_each(|(to, known)| *to = known.map(|known| known as u64));
        !bpf::allows(filter, &Query { number: *number as u32, architecture: ARCHITECTURE, arguments })
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
        let is = |call: Call| step(libc::BPF_JMP | libc::BPF_JEQ, 1, calls_allowed::number(call) as u32);
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
        // Operation 2 asks which actions exist.
        assert_eq!(asked(libc::SYS_seccomp, 2, 0, 9), None);
        assert_eq!(asked(libc::SYS_getpid, 1, 0, 9), None);
    }
}
