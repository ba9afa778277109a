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
//! Two kinds of paths are false. One goes on behind a call that never returns, into the next function. It is seen by the
//! alignment: the stack pointer is aligned to two words at each call, and so an odd number of words below the return address;
//! but the next function as a whole leaves the stack pointer as it found it. The other one begins in the middle of an
//! instruction. So the caller says whether the address is a return address or that of interrupted code.
//!
//! What is not understood ends a path. No path, no rule: the stack is cut there, and counted.

mod effect;
mod x86_64;

use super::code::Code;
use crate::unwind::rules::rule::{CallerFp, Cfa, Rule};
use effect::Effect;
use heapless::Vec;
use x86_64::{LONGEST, decode};

/// The most instructions that are read for one rule.
const INSTRUCTIONS: usize = 1000;
/// The most branches that wait, and the most places to which branches led.
const WAITING: usize = 16;
const PLACES: usize = 64;

/// A known address: an offset from the stack pointer or the frame pointer of the paused function.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Sp(i32),
    Fp(i32),
}

impl Place {
    /// The place so many words above this one.
    fn above(self, words: i32) -> Option<Place> {
        Some(match self {
            Place::Sp(offset) => Place::Sp(offset.checked_add(words)?),
            Place::Fp(offset) => Place::Fp(offset.checked_add(words)?),
        })
    }

    /// The words between another place, which counts from the same register, and this one.
    fn words_from(self, other: Place) -> Option<i32> {
        match (self, other) {
            (Place::Sp(to), Place::Sp(from)) | (Place::Fp(to), Place::Fp(from)) => to.checked_sub(from),
            _ => None,
        }
    }
}

/// The content of the frame pointer register.
#[derive(Clone, Copy)]
enum Fp {
    /// What it was when the function was paused.
    Same,
    /// The word that was at a place then.
    Saved(Place),
    /// The address of a place.
    Of(Place),
    /// Something else.
    Other,
}

/// A path up to an address.
#[derive(Clone, Copy)]
struct Path {
    at: usize,
    /// The place of the stack pointer; `None` when it was computed.
    sp: Option<Place>,
    fp: Fp,
    /// The place in which the path has stored the frame pointer register last, and its content.
    stored: Option<(Place, Fp)>,
    /// The end of the places that the path has written: those below the stack pointer at least.
    written: Place,
    /// The address of the last instruction that made room on the stack.
    lowered: Option<usize>,
    /// The place of the stack pointer at the last call.
    aligned: Option<Place>,
}

/// What comes after an instruction.
enum Next {
    /// The path goes on behind it.
    Behind(usize),
    /// It goes on elsewhere.
    Jump(usize),
    /// It goes on behind it, or elsewhere.
    Branch(usize, usize),
    /// It returns, and this is the rule.
    Return(Rule),
}

/// The rule of the code at `pc`: the address of an instruction that was interrupted, or of the last byte of a call.
#[inline(never)]
pub(super) fn rule(code: &mut Code, pc: usize, interrupted: bool) -> Option<Rule> {
    let start = Place::Sp(0);
    let mut path = Path {
        at: if interrupted { pc } else { pc.checked_add(1)? },
        sp: Some(start),
        fp: Fp::Same,
        stored: None,
        written: start,
        lowered: None,
        aligned: (!interrupted).then_some(start),
    };
    let mut waiting: Vec<Path, WAITING> = Vec::new();
    let mut places: Vec<usize, PLACES> = Vec::new();
    for _ in 0..INSTRUCTIONS {
        // Where a path has been, another one learns nothing new.
        let mut is_new = |place: &usize| !places.contains(place) && places.push(*place).is_ok();
        let next = match path.step(code) {
            Some(Next::Return(rule)) => return Some(rule),
            Some(Next::Behind(next)) => Some(next),
            Some(Next::Jump(to)) => Some(to).filter(is_new),
            Some(Next::Branch(next, to)) => {
                if is_new(&to) {
                    let _ = waiting.push(Path { at: to, ..path });
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
pub(super) fn leads_to(code: &mut Code, from: usize, pc: usize) -> bool {
    let mut at = from;
    while at <= pc {
        let Some((length, effect)) = decode(code.bytes(at, &mut [0; LONGEST])) else { return false };
        at = at.saturating_add(length);
        if at <= pc && matches!(effect, Effect::Jump(_) | Effect::Return | Effect::End) {
            return false;
        }
    }
    true
}

impl Path {
    /// Goes past one instruction; `None` where the path ends.
    fn step(&mut self, code: &mut Code) -> Option<Next> {
        let mut buffer = [0; LONGEST];
        let (length, effect) = decode(code.bytes(self.at, &mut buffer))?;
        let behind = self.at.checked_add(length)?;
        let to = |distance: i32| behind.checked_add_signed(distance as isize);
        match effect {
            Effect::Nothing => {}
            Effect::Push { fp } => {
                self.sp = self.sp.and_then(|sp| sp.above(-1));
                self.push(fp);
            }
            Effect::Pop { fp } => {
                if fp {
                    self.load(self.sp);
                }
                self.sp = self.sp.and_then(|sp| sp.above(1));
            }
            Effect::MoveSp(words) => {
                self.sp = self.sp.and_then(|sp| sp.above(words));
                if words < 0 {
                    self.lowered = Some(self.at);
                }
            }
            Effect::SpFromFp(words) => self.sp = self.of_fp(words),
            Effect::Leave => {
                self.sp = self.of_fp(0);
                self.load(self.sp);
                self.sp = self.sp.and_then(|sp| sp.above(1));
            }
            Effect::ChangeSp => self.sp = None,
            Effect::FpFromSp(words) => {
                self.fp = self.sp.and_then(|sp| sp.above(words)).map_or(Fp::Other, Fp::Of);
            }
            Effect::StoreFp(words) => self.store(self.sp.and_then(|sp| sp.above(words))),
            Effect::LoadFp(words) => self.load(self.sp.and_then(|sp| sp.above(words))),
            Effect::ChangeFp => self.fp = Fp::Other,
            Effect::Call => self.call()?,
            Effect::Jump(distance) => return self.jump(to(distance)?).map(Next::Jump),
            Effect::Branch(distance) => {
                return self.jump(to(distance)?).map(|target| Next::Branch(behind, target));
            }
            Effect::End => return None,
            Effect::Return => return self.returned().map(Next::Return),
        }
        Some(Next::Behind(behind))
    }

    /// The place so many words above the address in the frame pointer.
    fn of_fp(&self, words: i32) -> Option<Place> {
        match self.fp {
            Fp::Same => Some(Place::Fp(words)),
            Fp::Of(place) => place.above(words),
            Fp::Saved(_) | Fp::Other => None,
        }
    }

    /// The target of a jump; `None` when that makes a loop which makes room on the stack: nobody knows how often.
    fn jump(&self, to: usize) -> Option<usize> {
        let is_in_loop = self.lowered.is_some_and(|lowered| (to..self.at).contains(&lowered));
        (!is_in_loop).then_some(to)
    }

    /// A register was pushed.
    fn push(&mut self, fp: bool) {
        if fp {
            self.store(self.sp);
        } else if self.stored.is_some_and(|(place, _)| self.sp == Some(place)) {
            self.stored = None;
        }
        if let Some(end) = self.sp.and_then(|sp| sp.above(1))
            && end.words_from(self.written).is_none_or(|words| words > 0)
        {
            self.written = end;
        }
    }

    /// The frame pointer register is stored.
    fn store(&mut self, place: Option<Place>) {
        self.stored = place.map(|place| (place, self.fp));
    }

    /// The frame pointer register is loaded.
    fn load(&mut self, place: Option<Place>) {
        self.fp = match (place, self.stored) {
            (Some(place), Some((stored, fp))) if place == stored => fp,
            (Some(place), _) if place.words_from(self.written).is_none_or(|words| words >= 0) => {
                Fp::Saved(place)
            }
            _ => Fp::Other,
        };
    }

    /// Another function is called. `None` when the stack is not aligned as it was at the call before, or when nothing is known of
    /// that.
    fn call(&mut self) -> Option<()> {
        let is_odd = match (self.sp, self.aligned) {
            (Some(sp), Some(aligned)) => sp.words_from(aligned).is_some_and(|words| words % 2 != 0),
            (Some(_), None) => false,
            (None, aligned) => return aligned.map(|_| ()),
        };
        self.aligned = self.sp;
        (!is_odd).then_some(())
    }

    /// The rule, when the function returns; `None` when its registers are not those of a caller.
    fn returned(&self) -> Option<Rule> {
        let sp = self.sp?;
        let (cfa, is_odd) = match (sp, self.aligned) {
            (Place::Sp(..0), _) => return None,
            (Place::Sp(words), None) => (Cfa::Sp(words as isize + 1), true),
            (Place::Sp(words), Some(aligned)) => {
                (Cfa::Sp(words as isize + 1), sp.words_from(aligned)? % 2 != 0)
            }
            // A frame pointer is a word below the return address.
            (Place::Fp(words), _) => (Cfa::Fp(words as isize + 1), words % 2 != 0),
        };
        let fp = match self.fp {
            Fp::Same => CallerFp::Same,
            Fp::Saved(place) => CallerFp::Saved(place.words_from(sp.above(1)?)? as isize),
            Fp::Of(_) | Fp::Other => return None,
        };
        is_odd.then_some(Rule::frame(cfa, -1, fp))
    }
}

#[cfg(all(test, not(undescribed_libc)))]
mod compared;
#[cfg(test)]
mod tests;
