//! A script of heap events. A program replays it on a tracker, and [`crate::model`] computes the expected figures. A
//! script is lines of text, so that a failing one can be run again.

use std::fmt::{self, Display, Formatter};
use std::str::FromStr;

/// Threads of a script. They take turns: one event ends before the next begins.
pub const THREADS: usize = 3;
/// The names that stages and tags have.
pub const NAMES: [&str; 4] = ["a", "b", "c", "d"];
/// Call depths at which events happen.
pub const DEPTHS: u8 = 4;

/// A step of one thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Event {
    /// The thread, below [`THREADS`].
    pub thread: u8,
    /// The step.
    pub step: Step,
}

/// A step. `depth` is the depth of the calls that lead to the allocator, `size` is in bytes. `block` and `stage`
/// choose among those that exist, modulo their number; if none exists, the step does nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the text above describes the fields")]
pub enum Step {
    /// Allocates a block.
    Alloc { depth: u8, size: usize },
    /// Allocates a zeroed block.
    Zeroed { depth: u8, size: usize },
    /// Resizes a block.
    Realloc { depth: u8, block: usize, size: usize },
    /// Asks for more memory than can exist.
    Huge { depth: u8 },
    /// Frees a block.
    Free { block: usize },
    /// From now on every n-th call of the inner allocator fails; none if 0.
    FailEvery { every: usize },
    /// Resets all peaks.
    ResetPeak,
    /// Resets the peak of the thread.
    ResetThreadPeak,
    /// Begins a stage.
    BeginStage { name: u8 },
    /// Ends a stage, which need not be the innermost.
    EndStage { stage: usize },
    /// Begins a span of the thread.
    BeginSpan { name: u8 },
    /// Ends the thread's latest span.
    EndSpan,
    /// Pushes a tag.
    PushTag { name: u8 },
    /// Pops the thread's latest tag.
    PopTag,
    /// Pauses tracking.
    Pause,
    /// Resumes tracking.
    Resume,
}

/// The alignment of a block of this size: all powers of two from 1 to 64 occur.
#[must_use]
pub fn align(size: usize) -> usize {
    1 << (size % 7)
}

impl Display for Event {
    fn fmt(&self, to: &mut Formatter<'_>) -> fmt::Result {
        write!(to, "{} ", self.thread)?;
        match self.step {
            Step::Alloc { depth, size } => write!(to, "alloc {depth} {size}"),
            Step::Zeroed { depth, size } => write!(to, "zeroed {depth} {size}"),
            Step::Realloc { depth, block, size } => write!(to, "realloc {depth} {block} {size}"),
            Step::Huge { depth } => write!(to, "huge {depth}"),
            Step::Free { block } => write!(to, "free {block}"),
            Step::FailEvery { every } => write!(to, "fail {every}"),
            Step::ResetPeak => write!(to, "reset"),
            Step::ResetThreadPeak => write!(to, "reset-thread"),
            Step::BeginStage { name } => write!(to, "begin {name}"),
            Step::EndStage { stage } => write!(to, "end {stage}"),
            Step::BeginSpan { name } => write!(to, "span {name}"),
            Step::EndSpan => write!(to, "end-span"),
            Step::PushTag { name } => write!(to, "tag {name}"),
            Step::PopTag => write!(to, "untag"),
            Step::Pause => write!(to, "pause"),
            Step::Resume => write!(to, "resume"),
        }
    }
}

impl FromStr for Event {
    type Err = String;

    fn from_str(line: &str) -> Result<Self, String> {
        let words: Vec<&str> = line.split(' ').collect();
        let number = |place: usize| -> Result<usize, String> {
            words
                .get(place)
                .and_then(|word| word.parse().ok())
                .ok_or_else(|| format!("no number in {line:?}"))
        };
        let small = |place: usize| number(place).map(|number| number as u8);
        let step = match words.get(1).copied().unwrap_or_default() {
            "alloc" => Step::Alloc { depth: small(2)?, size: number(3)? },
            "zeroed" => Step::Zeroed { depth: small(2)?, size: number(3)? },
            "realloc" => Step::Realloc { depth: small(2)?, block: number(3)?, size: number(4)? },
            "huge" => Step::Huge { depth: small(2)? },
            "free" => Step::Free { block: number(2)? },
            "fail" => Step::FailEvery { every: number(2)? },
            "reset" => Step::ResetPeak,
            "reset-thread" => Step::ResetThreadPeak,
            "begin" => Step::BeginStage { name: small(2)? },
            "end" => Step::EndStage { stage: number(2)? },
            "span" => Step::BeginSpan { name: small(2)? },
            "end-span" => Step::EndSpan,
            "tag" => Step::PushTag { name: small(2)? },
            "untag" => Step::PopTag,
            "pause" => Step::Pause,
            "resume" => Step::Resume,
            _ => return Err(format!("no step in {line:?}")),
        };
        Ok(Event { thread: small(0)?, step })
    }
}
