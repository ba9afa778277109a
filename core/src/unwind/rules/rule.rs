//! The rule of one return address: the equations that lead from a frame to its caller's.

#[cfg(not(compact))]
use crate::unwind::arch::SIGNAL;
use crate::unwind::frame_registers::{FRAME_POINTERS, Fp, FramePointers};
use crate::unwind::{Memory, Registers};

const WORD: usize = size_of::<usize>();

/// The registers that unwinding needs of a frame. `pc` is an address inside the instruction that is running or calling.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::unwind) struct State {
    pub(in crate::unwind) pc: usize,
    pub(in crate::unwind) sp: usize,
    pub(in crate::unwind) fp: FramePointers,
    /// The link register of code that a signal interrupted; 0 in other frames.
    #[cfg(ehabi)]
    pub(in crate::unwind) lr: usize,
}

impl From<Registers> for State {
    fn from(Registers { pc, sp, fp }: Registers) -> State {
        State {
            pc,
            sp,
            fp,
            #[cfg(ehabi)]
            lr: 0,
        }
    }
}

/// Where a rule leads. The new `pc` is a return address as it is on the stack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::unwind) enum Step {
    /// To the caller.
    Call(State),
    /// To code that a signal interrupted.
    Signal(State),
    /// Nowhere: this is the outermost frame.
    Outermost,
    /// Nowhere: the rule or the stack makes no sense.
    Unknown,
}

/// Sees the words that a walk reads.
pub(in crate::unwind) trait Trace {
    /// Reads a word that decides the walk.
    fn read(&mut self, memory: &Memory<'_>, address: usize) -> Option<usize>;
    /// Reads a frame pointer, which decides the walk if a later frame uses it.
    fn read_frame_pointer(&mut self, register: Fp, memory: &Memory<'_>, address: usize) -> Option<usize>;
    /// A frame uses the frame pointer that was read last, or the first frame's register.
    fn frame_pointer_used(&mut self, register: Fp);
}

/// Keeps nothing.
pub(in crate::unwind) struct Untraced;

impl Trace for Untraced {
    #[inline(always)]
    fn read(&mut self, memory: &Memory<'_>, address: usize) -> Option<usize> {
        memory.read(address)
    }
    #[inline(always)]
    fn read_frame_pointer(&mut self, _: Fp, memory: &Memory<'_>, address: usize) -> Option<usize> {
        memory.read(address)
    }
    #[inline(always)]
    fn frame_pointer_used(&mut self, _: Fp) {}
}

/// A rule. In its equations `cfa` is the canonical frame address, all numbers count words, and `*` reads the stack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::unwind) enum Rule {
    /// No rule is known.
    Unknown,
    /// There is no caller.
    Outermost,
    /// `pc, sp, fp = *(sp + a), *(sp + b), *(sp + c)`: the registers of interrupted code in the kernel's signal frame.
    Signal,
    /// The same in the frame for a handler with one argument. On i686 the words of the frame say which one it is.
    #[cfg(ehabi)]
    ShortSignal,
    /// `pc, sp = lr, sp + n`: code that a signal interrupted, and that has not saved its return address.
    #[cfg(ehabi)]
    Leaf(isize),
    /// The registers of interrupted code if the kernel's signal frame is above this one, which has a frame pointer; else as for
    /// other frames with a frame pointer.
    #[cfg(any(compact, all(test, macos_tested)))]
    MaybeSignal,
    /// `pc, sp, fp = *(origin + ra), cfa, …`
    Frame { cfa: Cfa, origin: Origin, ra: isize, fp: [CallerFp; FRAME_POINTERS] },
}

/// The canonical frame address, which is the caller's stack pointer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::unwind) enum Cfa {
    /// `base = sp`, `cfa = base + n`
    Sp(isize),
    /// `base = fp`, `cfa = base + n`
    Fp(isize),
    /// `base = cfa = *(fp + n)`: a function that aligns its stack.
    AtFp(isize),
    /// `base = fp`, `cfa = base + n`, with the second frame pointer.
    #[cfg(ehabi)]
    Second(isize),
}

/// The address from which the offsets of saved registers count. A large frame has them at one of its ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::unwind) enum Origin {
    /// `origin = cfa`
    Cfa,
    /// `origin = base`
    Base,
}

/// The caller's frame pointer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::unwind) enum CallerFp {
    /// `fp = fp`
    Same,
    /// `fp = *(origin + n)`
    Saved(isize),
    /// `fp = *(fp + n)`
    AtFp(isize),
}

impl Rule {
    /// The frame pointer leads to the caller's frame pointer, behind which the return address is.
    #[cfg(any(compact, all(test, macos_tested)))]
    pub(in crate::unwind) const CHAINED: Rule = Rule::frame(Cfa::Fp(2), -1, CallerFp::Saved(-2));

    /// A rule whose offsets count from the canonical frame address, by the first frame pointer.
    #[cfg(any(test, not(ehabi)))]
    pub(in crate::unwind) const fn frame(cfa: Cfa, ra: isize, fp: CallerFp) -> Rule {
        let mut all = [CallerFp::Same; FRAME_POINTERS];
        all[0] = fp;
        Rule::Frame { cfa, origin: Origin::Cfa, ra, fp: all }
    }

    /// Whether the caller may have the same stack pointer.
    #[inline(always)]
    pub(in crate::unwind) fn may_stay(self) -> bool {
        #[cfg(ehabi)]
        return matches!(self, Rule::Leaf(_));
        #[cfg(not(ehabi))]
        false
    }

    /// The offsets of the return address and of the caller's stack pointer above the stack pointer, in bytes, when the
    /// frame depends on its stack pointer alone.
    #[cfg(cfi)]
    pub(in crate::unwind) fn above_sp(self) -> Option<(usize, usize)> {
        let Rule::Frame { cfa: Cfa::Sp(cfa), origin, ra, .. } = self else { return None };
        let bytes = |words: isize| usize::try_from(words * WORD as isize).ok();
        let ra = match origin {
            Origin::Cfa => cfa + ra,
            Origin::Base => ra,
        };
        Some((bytes(ra)?, bytes(cfa)?))
    }

    /// Unwinds one frame. `trace` sees the words of the stack that decide.
    #[inline(always)]
    pub(in crate::unwind) fn step(
        self,
        from: State,
        memory: &mut Memory<'_>,
        trace: &mut impl Trace,
    ) -> Step {
        let step = match self {
            Rule::Frame { .. } => self.caller(from, memory, trace),
            Rule::Signal => return signal(stored(from, memory, trace), memory, trace),
            #[cfg(ehabi)]
            Rule::ShortSignal => {
                // It has no siginfo, which has 128 bytes.
                let stored =
                    stored(from, memory, trace).map(|places| places.map(|place| place.wrapping_sub(128)));
                return signal(stored, memory, trace);
            }
            #[cfg(any(compact, all(test, macos_tested)))]
            Rule::MaybeSignal => match signal(stored_by_macos(from, memory, trace), memory, trace) {
                Step::Unknown => return Rule::CHAINED.step(from, memory, trace),
                interrupted => return interrupted,
            },
            #[cfg(ehabi)]
            Rule::Leaf(_) if from.lr == 0 => None,
            #[cfg(ehabi)]
            Rule::Leaf(n) => {
                let sp = from.sp.wrapping_add_signed(n * WORD as isize);
                Some(State { pc: from.lr, sp, fp: from.fp, lr: 0 })
            }
            Rule::Outermost => return Step::Outermost,
            Rule::Unknown => None,
        };
        step.map_or(Step::Unknown, Step::Call)
    }

    /// Solves the equations of [`Rule::Frame`].
    #[inline(always)]
    fn caller(self, from: State, memory: &Memory<'_>, trace: &mut impl Trace) -> Option<State> {
        let Rule::Frame { cfa, origin, ra, fp } = self else { return None };
        let at = |base: usize, words: isize| base.wrapping_add_signed(words * WORD as isize);
        let (base, cfa) = match cfa {
            Cfa::Sp(n) => (from.sp, at(from.sp, n)),
            Cfa::Fp(n) => {
                let base = from.frame_pointer(Fp::First, trace);
                (base, at(base, n))
            }
            Cfa::AtFp(n) => {
                let place = at(from.frame_pointer(Fp::First, trace), n);
                let cfa = trace.read(memory, place)?;
                (cfa, cfa)
            }
            #[cfg(ehabi)]
            Cfa::Second(n) => {
                let base = from.frame_pointer(Fp::Second, trace);
                (base, at(base, n))
            }
        };
        let origin = match origin {
            Origin::Cfa => cfa,
            Origin::Base => base,
        };
        let pc = trace.read(memory, at(origin, ra))?;
        let mut caller = State::from(Registers { pc, sp: cfa, fp: from.fp });
        for (&register, &saved) in Fp::ALL.iter().zip(&fp) {
            let place = match saved {
                CallerFp::Same => continue,
                CallerFp::Saved(n) => at(origin, n),
                CallerFp::AtFp(n) => at(from.frame_pointer(register, trace), n),
            };
            register.set(&mut caller.fp, trace.read_frame_pointer(register, memory, place)?);
        }
        Some(caller)
    }
}

impl State {
    /// A frame pointer that decides the walk.
    #[inline(always)]
    fn frame_pointer(&self, register: Fp, trace: &mut impl Trace) -> usize {
        trace.frame_pointer_used(register);
        register.of(self.fp)
    }
}

/// The addresses of stored registers: of pc, sp and the frame pointers.
type Stored = [usize; 2 + FRAME_POINTERS];

/// The addresses of the stored registers.
#[cfg(not(any(target_arch = "x86", compact)))]
fn stored(from: State, _: &Memory<'_>, _: &mut impl Trace) -> Option<Stored> {
    Some(SIGNAL.map(|words| from.sp.wrapping_add(words * WORD)))
}

/// The same where there are two kinds of frames. In the one for handlers with three arguments the third one, two words above
/// the stack pointer, is the address of the registers and what belongs to them. In the other one the registers come behind
/// the only argument.
#[cfg(target_arch = "x86")]
fn stored(from: State, memory: &Memory<'_>, trace: &mut impl Trace) -> Option<Stored> {
    const CONTEXT: usize = 140;
    const REGISTERS: usize = CONTEXT + 20;
    let third = trace.read(memory, from.sp.wrapping_add(2 * WORD))?;
    let is_long = third == from.sp.wrapping_add(CONTEXT);
    let start = if is_long { from.sp } else { from.sp.wrapping_add(WORD).wrapping_sub(REGISTERS) };
    Some(SIGNAL.map(|words| start.wrapping_add(words * WORD)))
}

/// The same on macOS, where the words of the kernel's frame say where it is. A frame that is none decides by its code alone, which
/// the walk has found by words that it has read before.
#[cfg(any(compact, all(test, macos_tested)))]
fn stored_by_macos(from: State, memory: &Memory<'_>, trace: &mut impl Trace) -> Option<Stored> {
    use crate::unwind::signal_frame::{HOST, find, start};
    if !cfg!(target_arch = "x86_64") {
        trace.frame_pointer_used(Fp::First);
    }
    let stored = find(HOST, start(HOST, from.sp, from.fp), memory)?;
    stored.recognised_by.iter().try_for_each(|address| trace.read(memory, *address).map(drop))?;
    Some([stored.pc, stored.sp, stored.fp])
}

#[cfg(compact)]
use stored_by_macos as stored;

/// Leads from a signal's frame to the interrupted code, by the addresses of its registers.
#[cold]
fn signal(stored: Option<Stored>, memory: &mut Memory<'_>, trace: &mut impl Trace) -> Step {
    match stored.and_then(|stored| interrupted(stored, memory, trace)) {
        Some(state) if memory.switch(state.sp) => Step::Signal(state),
        _ => Step::Unknown,
    }
}

/// The registers of the interrupted code.
fn interrupted([pc, sp, fps @ ..]: Stored, memory: &Memory<'_>, trace: &mut impl Trace) -> Option<State> {
    let mut state =
        State::from(Registers { pc: trace.read(memory, pc)?, sp: trace.read(memory, sp)?, fp: 0 });
    // The link register is in front of the program counter, and the status behind it: one of its bits says that this is Thumb code.
    #[cfg(ehabi)]
    {
        state.lr = trace.read(memory, pc.wrapping_sub(WORD))?;
        state.pc |= trace.read(memory, pc.wrapping_add(WORD))? >> 5 & 1;
    }
    for (register, place) in Fp::ALL.into_iter().zip(fps) {
        register.set(&mut state.fp, trace.read_frame_pointer(register, memory, place)?);
    }
    Some(state)
}
