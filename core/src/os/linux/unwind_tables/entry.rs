//! An entry of the list of modules: a sequence lock.
//!
//! - *Words*: the numbers about a module; all zero for a free entry.
//! - *Version*: odd while the words are written, and another number afterwards. A reader that sees an odd version, or
//!   two different ones, ignores the entry.

use crate::os::linux::elf::Image;
use crate::sync::*;
use core::sync::atomic::fence;

/// The most ranges of code of a module.
pub(super) const CODES: usize = 4;
/// The words of an entry: start and end of the module, address and length of its table's index, start and end of the segment with
/// the table, and start and end of each range of code.
pub(super) const WORDS: usize = 6 + 2 * CODES;

/// An entry.
pub(super) struct Entry {
    version: AtomicUsize,
    words: [AtomicUsize; WORDS],
}

impl Entry {
    /// An entry without a module.
    pub(super) const fn free() -> Entry {
        Entry { version: AtomicUsize::new(0), words: [const { AtomicUsize::new(0) }; WORDS] }
    }

    /// The words; `None` while another thread writes them.
    pub(super) fn read(&self) -> Option<[usize; WORDS]> {
        let before = self.version.load(Acquire);
        let words = self.words.each_ref().map(|word| word.load(Relaxed));
        fence(Acquire);
        (before & 1 == 0 && self.version.load(Relaxed) == before).then_some(words)
    }

    /// Replaces the words. Only one thread at a time.
    pub(super) fn write(&self, words: [usize; WORDS]) {
        let version = self.version.load(Relaxed);
        self.version.store(version | 1, Relaxed);
        fence(Release);
        for (place, word) in self.words.iter().zip(words) {
            place.store(word, Relaxed);
        }
        self.version.store((version | 1).wrapping_add(1), Release);
    }
}

/// The words of an image.
pub(super) fn words(image: &Image) -> [usize; WORDS] {
    let ends = |segment: &memtrack_format::Segment| {
        [segment.start as usize, segment.start.wrapping_add(segment.length) as usize]
    };
    let [mut low, mut high] = [usize::MAX, 0];
    let mut codes = [[0; 2]; CODES];
    let mut free = codes.iter_mut();
    for segment in &image.segments {
        let [start, end] = ends(segment);
        (low, high) = (low.min(start), high.max(end));
        if segment.executable
            && let Some(code) = free.next()
        {
            *code = [start, end];
        }
    }
    let (table_start, table_end) = image.segment_of(image.unwind).unwrap_or_default();
    let head = [low, high, image.unwind, image.unwind_length, table_start, table_end];
    let mut words = head.into_iter().chain(codes.into_iter().flatten());
    [(); WORDS].map(|()| words.next().unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_that_is_being_written_is_not_read() {
        let entry = Entry { version: AtomicUsize::new(3), words: [const { AtomicUsize::new(7) }; WORDS] };
        assert_eq!(entry.read(), None);
        entry.write([8; WORDS]);
        assert_eq!(entry.read(), Some([8; WORDS]));
    }
}
