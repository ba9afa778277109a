//! Whether a seccomp filter allows a system call, without making the call.
//!
//! The problem: a filter may end the process for a call, so the tracker must know before. And the tracker does not know
//! all arguments of the calls that it will make.
//!
//! The idea: interpret the filter's program as the kernel does, with values that may be unknown.
//!
//! - *Unknown value*: an argument that is not known, and all that is calculated from one. It is `None`.
//! - *Path*: one way through the program. A jump that depends on an unknown value splits a path in two.
//! - *Allowed*: every path returns `SECCOMP_RET_ALLOW`.

mod step;

pub(crate) use step::Step;
use step::{Outcome, State, advance};

/// A system call, some of whose arguments are known.
#[derive(Clone, Copy)]
pub(crate) struct Query {
    pub(crate) number: u32,
    pub(crate) architecture: u32,
    pub(crate) arguments: [Option<u64>; 6],
}

impl Query {
    /// The word at an offset of `struct seccomp_data`, which a filter reads: the call's number, the architecture, the
    /// instruction's address (unknown), the arguments.
    fn word(&self, offset: u32) -> Option<u32> {
        const INSTRUCTION: u32 = 8;
        const ARGUMENTS: u32 = 16;
        match offset {
            0 => Some(self.number),
            4 => Some(self.architecture),
            INSTRUCTION..ARGUMENTS => None,
            _ => {
                let place = offset - ARGUMENTS;
                let argument = (*self.arguments.get((place / 8) as usize)?)?;
                let high_first = cfg!(target_endian = "big");
                let high = (place % 8 >= 4) != high_first;
                Some(if high { (argument >> 32) as u32 } else { argument as u32 })
            }
        }
    }
}

/// The most paths that wait at a time.
const MAX_PATHS: usize = 32;
/// The most instructions that are interpreted, over all paths.
const MAX_STEPS: usize = 1 << 15;

/// Whether the filter allows the call for all values of its unknown arguments. False when a path is invalid, or when
/// there are too many paths or instructions.
pub(crate) fn allows(filter: &[Step], query: &Query) -> bool {
    let mut paths = heapless::Vec::<State, MAX_PATHS>::new();
    let start = State { next: 0, a: Some(0), x: Some(0), memory: [Some(0); 16] };
    if paths.push(start).is_err() {
        return false;
    }
    let mut left = MAX_STEPS;
    while let Some(mut state) = paths.pop() {
        loop {
            let Some(step) = filter.get(state.next).filter(|_| left > 0) else { return false };
            left -= 1;
            state.next += 1;
            match advance(step, query, &mut state) {
                Outcome::Next => {}
                Outcome::Return(Some(libc::SECCOMP_RET_ALLOW)) => break,
                Outcome::Return(_) | Outcome::Invalid => return false,
                Outcome::Branch(other) => {
                    if paths.push(State { next: state.next + other, ..state }).is_err() {
                        return false;
                    }
                    state.next += usize::from(step.jump_true);
                }
            }
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALLOW: u32 = libc::SECCOMP_RET_ALLOW;
    const KILL: u32 = libc::SECCOMP_RET_KILL_PROCESS;

    fn step(code: u32, k: u32) -> Step {
        Step { code: code as u16, jump_true: 0, jump_false: 0, k }
    }

    fn jump(code: u32, k: u32, jump_true: u8, jump_false: u8) -> Step {
        Step { code: code as u16, jump_true, jump_false, k }
    }

    fn load(offset: u32) -> Step {
        step(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, offset)
    }

    fn equal(k: u32, jump_true: u8, jump_false: u8) -> Step {
        jump(libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K, k, jump_true, jump_false)
    }

    fn end(k: u32) -> Step {
        step(libc::BPF_RET | libc::BPF_K, k)
    }

    fn asked(number: u32, arguments: [Option<u64>; 6]) -> Query {
        Query { number, architecture: 7, arguments }
    }

    #[test]
    fn a_list_of_numbers_is_followed() {
        let filter = [
            load(4),
            equal(7, 1, 0),
            end(KILL),
            load(0),
            equal(1, 2, 0),
            equal(3, 1, 0),
            end(KILL),
            end(ALLOW),
        ];
        for (number, is_allowed) in [(0, false), (1, true), (2, false), (3, true)] {
            assert_eq!(allows(&filter, &asked(number, [None; 6])), is_allowed, "{number}");
        }
        let other = Query { architecture: 8, ..asked(1, [None; 6]) };
        assert!(!allows(&filter, &other));
    }

    #[test]
    fn an_argument_that_is_unknown_goes_both_ways() {
        // The filter allows call 1 only for descriptor 1.
        let filter = [load(0), equal(1, 1, 0), end(ALLOW), load(16), equal(1, 0, 1), end(ALLOW), end(KILL)];
        let to = |descriptor| asked(1, [descriptor, None, None, None, None, None]);
        assert!(allows(&filter, &to(Some(1))));
        assert!(!allows(&filter, &to(Some(2))));
        assert!(!allows(&filter, &to(None)));
        assert!(allows(&filter, &asked(2, [None; 6])));
        // The upper half counts as well: `2 << 32 | 1` is not 1.
        let upper = [load(20), equal(0, 0, 1), end(ALLOW), end(KILL)];
        assert!(!allows(&upper, &to(Some(2 << 32 | 1))) && allows(&upper, &to(Some(1))));
        // Both paths allow the call.
        let either = [load(16), equal(1, 0, 1), end(ALLOW), end(ALLOW)];
        assert!(allows(&either, &to(None)));
    }

    #[test]
    fn values_are_calculated_kept_and_compared() {
        let op = |code: u32, k| step(code | libc::BPF_K, k);
        let filter = [
            load(0),
            op(libc::BPF_ALU | libc::BPF_LSH, 4),
            op(libc::BPF_ALU | libc::BPF_OR, 5),
            step(libc::BPF_ST, 3),
            step(libc::BPF_LD | libc::BPF_IMM, 0),
            step(libc::BPF_LDX | libc::BPF_MEM, 3),
            step(libc::BPF_MISC | libc::BPF_TXA, 0),
            op(libc::BPF_ALU | libc::BPF_AND, 0xff),
            equal(0x25, 0, 1),
            end(ALLOW),
            jump(libc::BPF_JMP | libc::BPF_JGT | libc::BPF_K, 0x30, 0, 1),
            end(ALLOW),
            jump(libc::BPF_JMP | libc::BPF_JSET | libc::BPF_K, 0x10, 1, 0),
            end(KILL),
            step(libc::BPF_RET | libc::BPF_A, 0),
        ];
        let is_allowed = |number| allows(&filter, &asked(number, [None; 6]));
        assert!(is_allowed(2) && is_allowed(4));
        // The filter returns the calculated number, which does not allow the call.
        assert!(!is_allowed(1) && !is_allowed(0));
    }

    #[test]
    fn an_invalid_program_allows_nothing() {
        let any = asked(1, [None; 6]);
        assert!(!allows(&[], &any));
        assert!(!allows(&[load(0)], &any), "the program has no end");
        assert!(!allows(&[step(libc::BPF_LD | libc::BPF_MEM, 16), end(ALLOW)], &any));
        assert!(!allows(&[step(0xffff, 0), end(ALLOW)], &any));
        assert!(
            !allows(&[end(libc::SECCOMP_RET_LOG)], &any) && !allows(&[end(libc::SECCOMP_RET_ERRNO)], &any)
        );
        // Many jumps, each of which splits the path.
        let mut filter: Vec<Step> = (0..60).flat_map(|_| [load(16), equal(1, 0, 0)]).collect();
        filter.push(end(ALLOW));
        assert!(!allows(&filter, &any), "too many paths");
    }
}
