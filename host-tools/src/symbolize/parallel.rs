//! An image is asked for many addresses by several threads, each with its own view of it.

use std::num::NonZero;

use indexmap::{IndexMap, IndexSet};

use super::image::{Image, Names};
use super::name::readable;
use super::progress::Progress;

/// What an image says about some addresses.
#[derive(Default)]
pub(super) struct Answers {
    /// Symbols as the binary has them, with their readable names.
    pub(super) functions: IndexMap<String, String>,
    /// Paths of source files.
    pub(super) files: IndexSet<String>,
    /// For each address what is there.
    pub(super) addresses: Vec<Found>,
}

/// What is at an address.
pub(super) struct Found {
    /// The frames, innermost first; none when it has no name.
    pub(super) frames: Vec<Answer>,
    /// The first address of the function without a name that holds it.
    pub(super) start: Option<u64>,
}

/// One frame.
pub(super) struct Answer {
    /// Index into [`Answers::functions`].
    pub(super) function: usize,
    /// Index into [`Answers::files`].
    pub(super) file: Option<usize>,
    /// Line, 0 when unknown.
    pub(super) line: u32,
}

/// Readers of debug information recurse as deep as inlined functions are nested in it. Memory that a stack does not use
/// costs nothing.
const STACK: usize = 256 << 20;

/// Asks for all addresses (in rising order) and hands the answers over piece by piece, in the same order.
pub(super) fn ask(svmas: &[u64], image: &Image<'_>, progress: &Progress, mut take: impl FnMut(Answers)) {
    /// Below this, a thread costs more than it saves.
    const MIN_CHUNK: usize = 256;
    let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
    // Neighbours share compilation units, which each thread parses for itself: one long piece each.
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
