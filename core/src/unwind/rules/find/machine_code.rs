//! Code that no unwind table describes, such as musl's: its instructions are read.
//!
//! **Problem.** Where is the return address of a function of which nothing is known but its code?
//!
//! **Idea.** The function itself knows, at its return. From the address at which it is paused, its instructions are followed
//! forwards, along every branch, until one path returns. On the way each push, each pop and each change of the stack pointer
//! is counted.
//!
//! - *Path*: a way through the code, with what is known there.
//! - *Offset*: the distance from the stack or frame pointer of the moment at which the function is paused, in words.
//!
//! Two kinds of paths are false. One goes on behind a call that never returns, into the next function:
//!
//! - On x86_64 it is seen by the alignment. The stack pointer is aligned to two words at each call, and so an odd number of words below
//!   the return address; but the next function as a whole leaves the stack pointer as it found it.
//! - On aarch64 it is seen by the link register, in which a call leaves the return address. Behind a call that register has the
//!   address behind the call, which is no way back: the function loads its own return address from its frame. The next function loads
//!   what it has stored itself.
//!
//! The other kind of false path begins in the middle of an instruction. So the caller says whether the address is a return address or
//! that of interrupted code.
//!
//! What is not understood ends a path. No path, no rule: the stack is cut there, and counted.

#[cfg(any(target_arch = "aarch64", test))]
mod aarch64;
mod effect;
mod path;
#[cfg(any(target_arch = "x86_64", test))]
mod x86_64;

use super::code::Code;
use crate::unwind::rules::rule::Rule;
#[cfg(target_arch = "aarch64")]
pub(in crate::unwind::rules) use aarch64::Aarch64 as Host;
use effect::Effect;
use heapless::Vec;
use path::{Next, Path};
#[cfg(target_arch = "x86_64")]
pub(in crate::unwind::rules) use x86_64::X86 as Host;

/// The most instructions that are read for one rule.
const INSTRUCTIONS: usize = 1000;
/// The most branches that wait, and the most places to which branches led.
const WAITING: usize = 16;
const PLACES: usize = 64;

/// The instructions of a processor.
pub(in crate::unwind::rules) trait Instructions {
    /// The most bytes of an instruction.
    const LONGEST: usize;
    /// A call leaves the return address in the link register. Otherwise it pushes it.
    const LINKED: bool;

    /// Length and effect of the instruction at the start of the code; `None` when it is not known.
    fn decode(code: &[u8]) -> Option<(usize, Effect)>;
}

/// The instruction at an address.
fn decode<I: Instructions>(code: &mut Code, at: usize) -> Option<(usize, Effect)> {
    const LONGEST: usize = 15;
    const { assert!(I::LONGEST <= LONGEST) };
    I::decode(code.bytes(at, &mut [0; LONGEST][..I::LONGEST]))
}

/// The rule of the code at `pc`: the address of an instruction that was interrupted, or of the last byte of a call.
#[inline(never)]
pub(super) fn rule<I: Instructions>(code: &mut Code, pc: usize, interrupted: bool) -> Option<Rule> {
    let mut path = Path::begin(if interrupted { pc } else { pc.checked_add(1)? }, interrupted);
    let mut waiting: Vec<Path, WAITING> = Vec::new();
    let mut places: Vec<usize, PLACES> = Vec::new();
    for _ in 0..INSTRUCTIONS {
        // Where a path has been, another one learns nothing new.
        let mut is_new = |place: &usize| !places.contains(place) && places.push(*place).is_ok();
        let next = match path.step::<I>(code) {
            Some(Next::Return(rule)) => return Some(rule),
            Some(Next::Behind(next)) => Some(next),
            Some(Next::Jump(to)) => Some(to).filter(is_new),
            Some(Next::Branch(next, to)) => {
                if is_new(&to) {
                    let _ = waiting.push(path.at(to));
                }
                Some(next)
            }
            None => None,
        };
        match next {
            Some(next) => path.at = next,
            None => path = waiting.pop()?,
        }
    }
    None
}

/// Whether the code from an address on leads straight to the one at `pc`, past calls and branches. Where it returns or jumps, other
/// code comes behind it.
pub(super) fn leads_to<I: Instructions>(code: &mut Code, from: usize, pc: usize) -> bool {
    let mut at = from;
    while at <= pc {
        let Some((length, effect)) = decode::<I>(code, at) else { return false };
        at = at.saturating_add(length);
        if at <= pc && matches!(effect, Effect::Jump(_) | Effect::Return | Effect::End) {
            return false;
        }
    }
    true
}

#[cfg(all(test, not(undescribed_libc)))]
mod compared;
#[cfg(test)]
mod tests;
