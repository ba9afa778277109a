//! One instruction of a filter.

use super::Query;

/// An instruction of the classic Berkeley packet filter, as in `struct sock_filter`.
#[repr(C)]
#[derive(Clone, Copy, Default)]
pub(crate) struct Step {
    pub(super) code: u16,
    pub(super) jump_true: u8,
    pub(super) jump_false: u8,
    pub(super) k: u32,
}

/// The state of a path: the next instruction, the two registers and the scratch memory.
#[derive(Clone, Copy)]
pub(super) struct State {
    pub(super) next: usize,
    pub(super) a: Option<u32>,
    pub(super) x: Option<u32>,
    pub(super) memory: [Option<u32>; 16],
}

/// The size of `struct seccomp_data`, which a filter can load.
const LENGTH: u32 = 64;

// The classes of instructions: the lowest three bits of a code.
const LD: u16 = 0;
const LDX: u16 = 1;
const ST: u16 = 2;
const STX: u16 = 3;
const ALU: u16 = 4;
const JMP: u16 = 5;
const RET: u16 = 6;
const MISC: u16 = 7;

/// The effect of an instruction on a path.
pub(super) enum Outcome {
    /// The path goes on.
    Next,
    /// The path splits. One goes on at the jump's true target, the other skips this many instructions.
    Branch(usize),
    /// The path ends with this value.
    Return(Option<u32>),
    /// The kernel refuses or aborts programs with this instruction.
    Invalid,
}

/// Interprets one instruction.
pub(super) fn advance(step: &Step, query: &Query, state: &mut State) -> Outcome {
    let (k, mode, operation) = (step.k, step.code & 0xe0, step.code & 0xf0);
    let operand = if step.code & 8 != 0 { state.x } else { Some(k) };
    match step.code & 7 {
        kind @ (LD | LDX) => {
            let value = match mode {
                0x00 => Some(k),
                0x20 if kind == LD => query.word(k),
                0x60 => match state.memory.get(k as usize) {
                    Some(value) => *value,
                    None => return Outcome::Invalid,
                },
                0x80 => Some(LENGTH),
                _ => return Outcome::Invalid,
            };
            *(if kind == LD { &mut state.a } else { &mut state.x }) = value;
        }
        kind @ (ST | STX) => {
            let value = if kind == ST { state.a } else { state.x };
            match state.memory.get_mut(k as usize) {
                Some(place) => *place = value,
                None => return Outcome::Invalid,
            }
        }
        ALU => {
            state.a = match (state.a, operand) {
                (Some(a), Some(by)) => match calculate(operation, a, by) {
                    Some(result) => Some(result),
                    None => return Outcome::Invalid,
                },
                _ => None,
            }
        }
        JMP if operation == 0 => state.next += k as usize,
        JMP => {
            let (Some(a), Some(with)) = (state.a, operand) else {
                return Outcome::Branch(usize::from(step.jump_false));
            };
            let is_true = match operation {
                0x10 => a == with,
                0x20 => a > with,
                0x30 => a >= with,
                0x40 => a & with != 0,
                _ => return Outcome::Invalid,
            };
            state.next += usize::from(if is_true { step.jump_true } else { step.jump_false });
        }
        RET => return Outcome::Return(if step.code & 0x18 == 0x10 { state.a } else { Some(k) }),
        MISC if step.code & 0xfff8 == 0 => state.x = state.a,
        MISC if step.code & 0xfff8 == 0x80 => state.a = state.x,
        _ => return Outcome::Invalid,
    }
    Outcome::Next
}

/// The result of an arithmetic operation; `None` for an invalid one.
fn calculate(operation: u16, a: u32, by: u32) -> Option<u32> {
    Some(match operation {
        0x00 => a.wrapping_add(by),
        0x10 => a.wrapping_sub(by),
        0x20 => a.wrapping_mul(by),
        // For a division by zero the kernel ends the filter with the value 0, which does not allow the call.
        0x30 => a.checked_div(by)?,
        0x40 => a | by,
        0x50 => a & by,
        0x60 => a.checked_shl(by)?,
        0x70 => a.checked_shr(by)?,
        0x80 => a.wrapping_neg(),
        0xa0 => a ^ by,
        _ => return None,
    })
}
