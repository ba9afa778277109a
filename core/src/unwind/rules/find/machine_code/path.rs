//! A path through the code, and what is known there.

use super::effect::{Access, Effect};
use super::{Instructions, decode};
use crate::unwind::rules::find::code::Code;
use crate::unwind::rules::rule::{CallerFp, Cfa, Rule};

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

/// The content of the frame pointer or of the link register.
#[derive(Clone, Copy)]
enum Content {
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
pub(super) struct Path {
    pub(super) at: usize,
    /// The place of the stack pointer; `None` when it was computed.
    sp: Option<Place>,
    fp: Content,
    link: Content,
    /// The place in which the path has stored each of the two last, and its content.
    stored_fp: Option<(Place, Content)>,
    stored_link: Option<(Place, Content)>,
    /// The end of the places that the path has written: those below the stack pointer at least.
    written: Place,
    /// The address of the last instruction that made room on the stack.
    lowered: Option<usize>,
    /// The place of the stack pointer at the last call.
    aligned: Option<Place>,
}

/// What comes after an instruction.
pub(super) enum Next {
    /// The path goes on behind it.
    Behind(usize),
    /// It goes on elsewhere.
    Jump(usize),
    /// It goes on behind it, or elsewhere.
    Branch(usize, usize),
    /// It returns, and this is the rule.
    Return(Rule),
}

impl Path {
    /// The path from an address: of an interrupted instruction, or behind a call.
    pub(super) fn begin(at: usize, interrupted: bool) -> Path {
        let start = Place::Sp(0);
        Path {
            at,
            sp: Some(start),
            fp: Content::Same,
            link: if interrupted { Content::Same } else { Content::Other },
            stored_fp: None,
            stored_link: None,
            written: start,
            lowered: None,
            aligned: (!interrupted).then_some(start),
        }
    }

    /// The same path at another address.
    pub(super) fn at(self, at: usize) -> Path {
        Path { at, ..self }
    }

    /// Goes past one instruction; `None` where the path ends.
    pub(super) fn step<I: Instructions>(&mut self, code: &mut Code) -> Option<Next> {
        let (length, effect) = decode::<I>(code, self.at)?;
        let behind = self.at.checked_add(length)?;
        let to = |distance: i32| behind.checked_add_signed(distance as isize);
        match effect {
            Effect::Nothing => {}
            Effect::Push { fp } => {
                self.move_sp(-1);
                self.push(fp);
            }
            Effect::Pop { fp } => {
                if fp {
                    self.fp = self.loaded(self.sp, self.stored_fp);
                }
                self.move_sp(1);
            }
            Effect::MoveSp(words) => {
                self.move_sp(words);
                if words < 0 {
                    self.lowered = Some(self.at);
                }
            }
            Effect::Store(access) => self.store(access),
            Effect::Load(access) => self.load(access),
            Effect::ChangeLink => self.link = Content::Other,
            Effect::SpFromFp(words) => self.sp = self.of_fp(words),
            Effect::Leave => {
                self.sp = self.of_fp(0);
                self.fp = self.loaded(self.sp, self.stored_fp);
                self.move_sp(1);
            }
            Effect::ChangeSp => self.sp = None,
            Effect::FpFromSp(words) => {
                self.fp = self.above_sp(words).map_or(Content::Other, Content::Of);
            }
            Effect::StoreFp(words) => {
                self.stored_fp = self.above_sp(words).map(|place| (place, self.fp));
            }
            Effect::LoadFp(words) => self.fp = self.loaded(self.above_sp(words), self.stored_fp),
            Effect::ChangeFp => self.fp = Content::Other,
            Effect::Call if I::LINKED => self.link = Content::Other,
            Effect::Call => self.call()?,
            Effect::Jump(distance) => return self.jump(to(distance)?).map(Next::Jump),
            Effect::Branch(distance) => {
                return self.jump(to(distance)?).map(|target| Next::Branch(behind, target));
            }
            Effect::End => return None,
            Effect::Return if I::LINKED => return self.returned_by_link().map(Next::Return),
            Effect::Return => return self.returned().map(Next::Return),
        }
        Some(Next::Behind(behind))
    }

    /// The place so many words above the address in the frame pointer.
    fn of_fp(&self, words: i32) -> Option<Place> {
        match self.fp {
            Content::Same => Some(Place::Fp(words)),
            Content::Of(place) => place.above(words),
            Content::Saved(_) | Content::Other => None,
        }
    }

    /// The place so many words above the stack pointer.
    fn above_sp(&self, words: i32) -> Option<Place> {
        self.sp.and_then(|sp| sp.above(words))
    }

    fn move_sp(&mut self, words: i32) {
        self.sp = self.above_sp(words);
    }

    /// The target of a jump; `None` when that makes a loop which makes room on the stack: nobody knows how often.
    fn jump(&self, to: usize) -> Option<usize> {
        let is_in_loop = self.lowered.is_some_and(|lowered| (to..self.at).contains(&lowered));
        (!is_in_loop).then_some(to)
    }

    /// A register was pushed.
    fn push(&mut self, fp: bool) {
        if fp {
            self.stored_fp = self.sp.map(|place| (place, self.fp));
        } else if self.stored_fp.is_some_and(|(place, _)| self.sp == Some(place)) {
            self.stored_fp = None;
        }
        self.write_up_to(self.above_sp(1));
    }

    /// The path has written all places up to one.
    fn write_up_to(&mut self, end: Option<Place>) {
        if let Some(end) = end
            && end.words_from(self.written).is_none_or(|words| words > 0)
        {
            self.written = end;
        }
    }

    /// Registers are stored.
    fn store(&mut self, Access { before, after, first, end, fp, link }: Access) {
        self.move_sp(before);
        if before < 0 {
            self.lowered = Some(self.at);
            self.write_up_to(self.above_sp(end));
        }
        let [fp, link] = [fp, link].map(|place| place.and_then(|words| self.above_sp(words)));
        let sp = self.sp;
        let is_overwritten = |stored: &(Place, Content)| {
            let words = sp.and_then(|sp| stored.0.words_from(sp));
            words.is_none_or(|words| (first..end).contains(&words))
        };
        self.stored_fp = match fp {
            Some(place) => Some((place, self.fp)),
            None => self.stored_fp.filter(|stored| !is_overwritten(stored)),
        };
        self.stored_link = match link {
            Some(place) => Some((place, self.link)),
            None => self.stored_link.filter(|stored| !is_overwritten(stored)),
        };
        self.move_sp(after);
    }

    /// Registers are loaded.
    fn load(&mut self, Access { before, after, fp, link, .. }: Access) {
        self.move_sp(before);
        if let Some(words) = fp {
            self.fp = self.loaded(self.above_sp(words), self.stored_fp);
        }
        if let Some(words) = link {
            self.link = self.loaded(self.above_sp(words), self.stored_link);
        }
        self.move_sp(after);
    }

    /// What a register has that is loaded from a place, by what the path has stored of it.
    fn loaded(&self, place: Option<Place>, stored: Option<(Place, Content)>) -> Content {
        match (place, stored) {
            (Some(place), Some((at, content))) if place == at => content,
            (Some(place), _) if place.words_from(self.written).is_none_or(|words| words >= 0) => {
                Content::Saved(place)
            }
            _ => Content::Other,
        }
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
        let fp = self.caller_fp(sp.above(1)?)?;
        is_odd.then_some(Rule::frame(cfa, -1, fp))
    }

    /// The same where the return address is in the link register: it comes from a place of the frame, which ends at the stack pointer.
    fn returned_by_link(&self) -> Option<Rule> {
        let sp = self.sp?;
        let Content::Saved(place) = self.link else { return None };
        let (cfa, words) = match sp {
            Place::Sp(words) => (Cfa::Sp(words as isize), words),
            Place::Fp(words) => (Cfa::Fp(words as isize), words),
        };
        let ra = place.words_from(sp)?;
        // A frame has an even number of words.
        let is_frame = words > 0 && words % 2 == 0 && (-words..0).contains(&ra);
        is_frame.then_some(Rule::frame(cfa, ra as isize, self.caller_fp(sp)?))
    }

    /// The caller's frame pointer, counted from the canonical frame address; `None` when it is not the caller's.
    fn caller_fp(&self, cfa: Place) -> Option<CallerFp> {
        match self.fp {
            Content::Same => Some(CallerFp::Same),
            Content::Saved(place) => Some(CallerFp::Saved(place.words_from(cfa)? as isize)),
            Content::Of(_) | Content::Other => None,
        }
    }
}
