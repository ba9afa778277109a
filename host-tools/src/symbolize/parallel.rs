//! Looks up many addresses in an image, in several threads that each have their own view of it.

use std::num::NonZero;

use indexmap::{IndexMap, IndexSet};

use super::image::{Image, Names};
use super::name::readable;
use super::progress::Progress;

/// The answers for some addresses.
#[derive(Default)]
pub(super) struct Answers {
    /// Symbols as in the binary, with their readable names.
    pub(super) functions: IndexMap<String, String>,
    /// Paths of source files.
    pub(super) files: IndexSet<String>,
    /// One answer per address.
    pub(super) addresses: Vec<Found>,
}

/// The answer for one address.
pub(super) struct Found {
    /// The frames, innermost first; empty if it has no name.
    pub(super) frames: Vec<Answer>,
    /// The start of the function that contains it, if that has no name.
    pub(super) start: Option<u64>,
}

/// One frame.
pub(super) struct Answer {
    /// Index into [`Answers::functions`].
    pub(super) function: usize,
    /// Index into [`Answers::files`].
    pub(super) file: Option<usize>,
    /// The line; 0 if unknown.
    pub(super) line: u32,
}

/// Readers of debug information recurse with each nested inlined function. The unused part of a large stack
/// costs no memory.
const STACK: usize = 256 << 20;

/// Looks up all addresses (in rising order), and passes the answers to `take` piece by piece, in the same
/// order.
pub(super) fn ask(svmas: &[u64], image: &Image<'_>, progress: &Progress, mut take: impl FnMut(Answers)) {
    /// A thread for fewer addresses costs more than it saves.
    const MIN_CHUNK: usize = 256;
    let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
    // Each thread parses the compilation units that it needs. Neighbours share units, so each thread gets one
    // long piece.
    let chunk = svmas.len().div_ceil(cores).max(MIN_CHUNK);
    std::thread::scope(|scope| {
        let start = |piece| {
            let thread = std::thread::Builder::new().stack_size(STACK);
            thread.spawn_scoped(scope, move || answers(image, piece, progress))
        };
        let threads: Vec<_> = svmas.chunks(chunk).map(|piece| (piece, start(piece))).collect();
        for (piece, thread) in threads {
            let answered = thread.ok().and_then(|thread| thread.join().ok());
            take(answered.unwrap_or_else(|| answers(image, piece, progress)));
        }
    });
}

fn answers(image: &Image<'_>, svmas: &[u64], progress: &Progress) -> Answers {
    let names = image.names();
    let mut answers = Answers::default();
    for &svma in svmas {
        let frames = answers.frames(&names, svma);
        let start = if frames.is_empty() { names.start(svma) } else { None };
        answers.addresses.push(Found { frames, start });
        progress.step();
    }
    answers
}

impl Answers {
    fn frames(&mut self, names: &Names<'_, '_>, svma: u64) -> Vec<Answer> {
        let mut out = Vec::new();
        for frame in names.frames(svma) {
            let Some(symbol) = frame.symbol else { continue };
            let function = match self.functions.get_index_of(&*symbol) {
                Some(known) => known,
                None => {
                    let name = readable(&symbol);
                    self.functions.insert_full(symbol.into_owned(), name).0
                }
            };
            let file = frame.file.map(|file| match self.files.get_index_of(&*file) {
                Some(known) => known,
                None => self.files.insert_full(file.into_owned()).0,
            });
            out.push(Answer { function, file, line: frame.line });
        }
        out
    }
}
