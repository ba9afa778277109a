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
    /// For each address its frames, innermost first.
    pub(super) addresses: Vec<Vec<Answer>>,
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

/// Asks for all addresses (in rising order) and hands the answers over piece by piece, in the same order.
pub(super) fn ask(svmas: &[u64], image: &Image<'_>, progress: &Progress, mut take: impl FnMut(Answers)) {
    /// Below this, a thread costs more than it saves.
    const MIN_CHUNK: usize = 256;
    let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
    // Neighbours share compilation units, which each thread parses for itself: one long piece each.
    let chunk = svmas.len().div_ceil(cores).max(MIN_CHUNK);
    let (own, others) = svmas.split_at(chunk.min(svmas.len()));
    std::thread::scope(|scope| {
        let threads: Vec<_> =
            others.chunks(chunk).map(|piece| scope.spawn(move || answers(image, piece, progress))).collect();
        take(answers(image, own, progress));
        for thread in threads {
            take(thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
        }
    });
}

fn answers(image: &Image<'_>, svmas: &[u64], progress: &Progress) -> Answers {
    let names = image.names();
    let mut answers = Answers::default();
    for &svma in svmas {
        let frames = answers.frames(&names, svma);
        answers.addresses.push(frames);
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
