//! The rules by which an account tells what it held at a peak.
//!
//! **The problem.** A flame graph at the peak needs the figures that each account had at the peak. The peak is known only
//! after it has passed, and there are too many accounts to visit.
//!
//! **The idea.** Each account remembers by itself. While live only rises past a peak, no account has to: the live figures are
//! those of the peak. The first fall from the peak begins a new epoch. An account copies its live figures before its first
//! change in an epoch. So an account held its copy at the peak or, without a change since, its live figures.
//!
//! - *[Mark]*: a peak that accounts remember. There are two: the program's since the last reset, and the stage's since the
//!   innermost stage began.
//! - *At its peak*: a mark, until live falls for the first time. The state word has a [flag](Mark::flag) for each mark.
//! - *Epoch*: the rest of the state word. A fall from a mark that is at its peak begins the next one.
//! - *Fallen*: for each mark, the epoch that began with the fall from its peak.
//! - *Generation*: the time from one restart of the peaks to the next: a stage begins, or somebody resets them. A thread's own
//!   peak belongs to a generation.
//!
//! Words count modulo their width: the later of two is known by the sign of their difference.

use super::layout::Machine;
use crate::Figures;

/// A number modulo the width of a target's pointer.
pub trait Word: Copy + PartialEq {
    /// Zero.
    const ZERO: Self;
    /// The sum.
    #[must_use]
    fn plus(self, other: Self) -> Self;
    /// The difference.
    #[must_use]
    fn minus(self, other: Self) -> Self;
    /// Whether it is negative when it has a sign.
    fn is_negative(self) -> bool;
    /// Whether it is more than `other` when both have a sign.
    fn is_above(self, other: Self) -> bool;
    /// The number without a sign.
    fn wide(self) -> u64;
}

/// A word of this machine.
impl Word for usize {
    const ZERO: Self = 0;
    #[inline(always)]
    fn plus(self, other: Self) -> Self {
        self.wrapping_add(other)
    }
    #[inline(always)]
    fn minus(self, other: Self) -> Self {
        self.wrapping_sub(other)
    }
    #[inline(always)]
    fn is_negative(self) -> bool {
        (self as isize) < 0
    }
    #[inline(always)]
    fn is_above(self, other: Self) -> bool {
        self as isize > other as isize
    }
    #[inline(always)]
    fn wide(self) -> u64 {
        self as u64
    }
}

/// A word of an image, of the width of its target. Its bits stand at the upper end of the number, so that sums, differences
/// and signs are those of the width.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ImageWord {
    upper: u64,
    shift: u32,
}

impl ImageWord {
    /// The word of a target that reads as `value`.
    #[must_use]
    pub const fn new(value: u64, machine: Machine) -> ImageWord {
        let shift = if machine.pointer == 4 { 32 } else { 0 };
        ImageWord { upper: value << shift, shift }
    }
}

impl Word for ImageWord {
    const ZERO: Self = ImageWord { upper: 0, shift: 0 };
    fn plus(self, other: Self) -> Self {
        ImageWord { upper: self.upper.wrapping_add(other.upper), ..self }
    }
    fn minus(self, other: Self) -> Self {
        ImageWord { upper: self.upper.wrapping_sub(other.upper), ..self }
    }
    fn is_negative(self) -> bool {
        (self.upper as i64) < 0
    }
    fn is_above(self, other: Self) -> bool {
        self.upper as i64 > other.upper as i64
    }
    fn wide(self) -> u64 {
        self.upper >> self.shift
    }
}

/// The two marks; also the index of an account's copies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    /// The program's peak since the last reset.
    Program = 0,
    /// The peak since the innermost stage began.
    Stage = 1,
}

impl Mark {
    /// Both.
    pub const ALL: [Mark; 2] = [Mark::Program, Mark::Stage];

    /// Its flag in the state word: the mark is at its peak.
    #[inline(always)]
    #[must_use]
    pub const fn flag(self) -> usize {
        match self {
            Mark::Program => 2,
            Mark::Stage => 1,
        }
    }

    /// The flags that a new peak of this mark sets: a new peak of the program is one of the stage, too.
    #[inline(always)]
    #[must_use]
    pub const fn flags_of_peak(self) -> usize {
        match self {
            Mark::Program => FLAGS,
            Mark::Stage => Mark::Stage.flag(),
        }
    }
}

/// The flags of the state word.
pub const FLAGS: usize = Mark::Program.flag() | Mark::Stage.flag();
/// The distance from one epoch to the next in the state word.
pub const EPOCH: usize = FLAGS + 1;
/// The distance from one generation to the next: even, because of [`COPYING`].
pub const GENERATION: usize = 2;
/// The flag of the last epoch or generation in which something was copied: a thread copies for a later one.
pub const COPYING: usize = 1;

const _: () = assert!(EPOCH.is_power_of_two() && EPOCH & FLAGS == 0, "epochs leave the flags alone");
const _: () = assert!(EPOCH & COPYING == 0 && GENERATION & COPYING == 0, "epochs and generations are even");

/// Whether `epoch` is before `fallen`: an account whose last change was in it has not changed since the fall from the peak.
#[inline(always)]
pub fn precedes<W: Word>(epoch: W, fallen: W) -> bool {
    epoch.minus(fallen).is_negative()
}

/// Whether the generation `reset` is after `mine`: the peaks were reset since, not only restarted by a stage.
#[inline(always)]
pub fn was_reset_since<W: Word>(reset: W, mine: W) -> bool {
    mine.minus(reset).is_negative()
}

/// Bytes and blocks, modulo the widths in which they are kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Held<W> {
    /// Bytes.
    pub bytes: W,
    /// Blocks.
    pub blocks: u32,
}

impl<W: Word> Held<W> {
    /// The difference: what is live is what the owner has, less what others freed.
    #[inline]
    #[must_use]
    pub fn minus(self, other: Self) -> Self {
        Held { bytes: self.bytes.minus(other.bytes), blocks: self.blocks.wrapping_sub(other.blocks) }
    }

    /// The sum.
    #[inline]
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Held { bytes: self.bytes.plus(other.bytes), blocks: self.blocks.wrapping_add(other.blocks) }
    }

    /// The higher of two high-water marks. A mark may be below zero while a free is counted before its allocation.
    #[inline]
    #[must_use]
    pub fn higher(self, other: Self) -> Self {
        if other.bytes.is_above(self.bytes) { other } else { self }
    }

    /// While a program runs, a free may be counted before its allocation: a negative difference becomes zero.
    #[must_use]
    pub fn settled(self) -> Self {
        Held {
            bytes: if self.bytes.is_negative() { W::ZERO } else { self.bytes },
            blocks: (self.blocks as i32).max(0) as u32,
        }
    }
}

/// The figures of a part of an account at a mark. Reads each of its arguments only when it needs it, in this order.
#[inline(always)]
pub fn at_mark<T>(
    is_at_peak: bool,
    is_unchanged: impl FnOnce() -> bool,
    live: impl FnOnce() -> T,
    copy: impl FnOnce() -> T,
) -> T {
    if is_at_peak || is_unchanged() { live() } else { copy() }
}

/// In the credit's `shares`: the peak was raised in advance, and the stage is at its peak, so its peak is what is live.
pub const ADVANCED: u32 = 4;

/// Bytes at a mark's peak: the stage's `peak`, and `kept`, the highest before it. The program's is never below the stage's.
#[inline(always)]
pub fn peak<W: Ord>(mark: Mark, peak: W, kept: impl FnOnce() -> W) -> W {
    match mark {
        Mark::Program => peak.max(kept()),
        Mark::Stage => peak,
    }
}

/// The frees by other threads since `generation` began: all that they `freed`, less the copy that the first of them made in
/// that generation. Without a copy for it, they have freed nothing.
#[inline(always)]
pub fn freed_since<W: Word>(
    generation: W,
    noted_for: W,
    noted: impl FnOnce() -> Held<W>,
    freed: Held<W>,
) -> Held<W> {
    if noted_for == generation { freed.minus(noted()) } else { Held { bytes: W::ZERO, blocks: 0 } }
}

/// A thread's own peak. A thread `is_behind` when peaks restarted after its last event: then its peak is what it held at that
/// moment, its live figures and the frees by other threads since. Otherwise it is the higher of two marks.
#[inline(always)]
pub fn own_peak<W: Word>(
    is_behind: bool,
    held: impl FnOnce() -> Held<W>,
    marks: impl FnOnce() -> [Held<W>; 2],
) -> Held<W> {
    let peak = if is_behind {
        held()
    } else {
        let [first, second] = marks();
        first.higher(second)
    };
    peak.settled()
}

/// The totals of an account.
#[derive(Clone, Copy, Debug)]
pub struct Totals {
    /// Allocations.
    pub allocs: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Blocks that their thread freed as its very next event.
    pub temporary: u64,
    /// Reallocations.
    pub reallocs: u64,
}

/// The figures of an account with its `live` figures and those that it `held` at a mark.
#[inline]
#[must_use]
pub fn figures<W: Word>(totals: Totals, live: Held<W>, held: Held<W>) -> Figures {
    let (live, held) = (live.settled(), held.settled());
    Figures {
        allocs: totals.allocs,
        bytes: totals.bytes,
        live: live.bytes.wide(),
        live_blocks: live.blocks.into(),
        peak: held.bytes.wide(),
        peak_blocks: held.blocks.into(),
        temporary: totals.temporary,
        reallocs: totals.reallocs,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NARROW: Machine = Machine { big_endian: false, pointer: 4, long: 8 };
    const WIDE: Machine = Machine { pointer: 8, ..NARROW };

    #[test]
    fn words_count_modulo_the_width_of_their_target() {
        let word = |value: u64| ImageWord::new(value, NARROW);
        assert!(precedes(word(0xffff_fffc), word(4)), "the epoch has gone round");
        assert!(!precedes(word(4), word(0xffff_fffc)) && !precedes(word(4), word(4)));
        assert!(!precedes(ImageWord::new(0xffff_fffc, WIDE), ImageWord::new(0xffff_fffb, WIDE)));
        assert!(was_reset_since(word(1), word(0xffff_ffff)));
        assert_eq!(word(3).minus(word(5)).wide(), 0xffff_fffe);
        assert!(word(1).is_above(word(3).minus(word(5))) && usize::MAX.is_negative());
    }

    #[test]
    fn words_of_this_machine_count_like_those_of_an_image() {
        let numbers = [0, 1, 2, usize::MAX - 1, usize::MAX, isize::MAX as usize, isize::MIN as usize];
        let machine = Machine::HERE;
        for (a, b) in numbers.into_iter().flat_map(|a| numbers.map(|b| (a, b))) {
            let [x, y] = [a, b].map(|number| ImageWord::new(number as u64, machine));
            assert_eq!(
                (a.plus(b).wide(), a.minus(b).wide()),
                (x.plus(y).wide(), x.minus(y).wide()),
                "{a} {b}"
            );
            assert_eq!((a.is_negative(), a.is_above(b)), (x.is_negative(), x.is_above(y)), "{a} {b}");
        }
        assert_eq!((5usize.plus(usize::MAX), 5usize.minus(6), 7usize.wide()), (4, usize::MAX, 7));
        assert_eq!(
            numbers.map(|number| number.is_negative()),
            [false, false, false, true, true, false, true]
        );
        assert!(1usize.is_above(0) && 0usize.is_above(usize::MAX) && !1usize.is_above(1));
        let word = |value: u64| ImageWord::new(value, NARROW);
        assert_eq!((word(0xffff_ffff).plus(word(6)).wide(), word(7).wide()), (5, 7));
        assert!(
            word(0x8000_0000).is_negative() && !word(0).is_negative() && !word(0x7fff_ffff).is_negative()
        );
    }

    #[test]
    fn the_first_of_two_equal_marks_is_the_higher_one() {
        let held = |bytes: usize, blocks| Held { bytes, blocks };
        assert_eq!(held(5, 1).higher(held(5, 2)), held(5, 1));
        assert_eq!(held(5, 1).higher(held(6, 2)), held(6, 2));
        assert_eq!(held(5, 1).plus(held(6, u32::MAX)), held(11, 0));
    }

    #[test]
    fn a_peak_of_the_program_is_one_of_the_stage() {
        let (program, stage) = (Mark::Program.flag(), Mark::Stage.flag());
        assert_eq!((stage, program, EPOCH), (1, 2, 4), "docs/wire-format.md: bit 0, bit 1, the rest");
        assert_eq!(Mark::Program.flags_of_peak(), program | stage);
        assert_eq!(Mark::Stage.flags_of_peak(), stage);
    }

    #[test]
    fn frees_count_for_the_generation_that_they_were_noted_for() {
        let held = |bytes: usize, blocks| Held { bytes, blocks };
        assert_eq!(freed_since(4, 4, || held(10, 1), held(30, 3)), held(20, 2));
        assert_eq!(freed_since(6, 4, || held(10, 1), held(30, 3)), held(0, 0), "none since it began");
    }

    #[test]
    fn a_threads_peak_is_the_higher_mark_or_what_it_held() {
        let held = |bytes: usize, blocks| Held { bytes, blocks };
        let peak = |is_behind| own_peak(is_behind, || held(7, 1), || [held(5, 2), held(9, 3)]);
        assert_eq!((peak(true), peak(false)), (held(7, 1), held(9, 3)));
        assert_eq!(own_peak(true, || held(usize::MAX, u32::MAX), || [held(1, 1); 2]), held(0, 0));
    }

    #[test]
    fn figures_have_each_total_in_its_place() {
        let totals = Totals { allocs: 1, bytes: 2, temporary: 3, reallocs: 4 };
        let held = |bytes: usize, blocks| Held { bytes, blocks };
        let expected = Figures {
            allocs: 1,
            bytes: 2,
            live: 5,
            live_blocks: 6,
            peak: 7,
            peak_blocks: 8,
            temporary: 3,
            reallocs: 4,
        };
        assert_eq!(figures(totals, held(5, 6), held(7, 8)), expected);
    }

    #[test]
    fn half_booked_differences_are_zero() {
        let held = |bytes, blocks| Held { bytes: ImageWord::new(bytes, NARROW), blocks };
        let less = held(10, 1).minus(held(20, 2));
        assert_eq!(less.settled().bytes.wide(), 0);
        assert_eq!((less.settled().blocks, less.higher(held(0, 7)).blocks), (0, 7));
    }

    #[test]
    fn an_account_held_its_copy_or_else_what_it_has() {
        let held = |is_at_peak, unchanged| at_mark(is_at_peak, || unchanged, || "live", || "copy");
        assert_eq!([held(true, false), held(false, true), held(false, false)], ["live", "live", "copy"]);
        assert_eq!((peak(Mark::Program, 3, || 5), peak(Mark::Stage, 3, || 5)), (5, 3));
    }
}
