//! The annex of a recording: facts that only the process knows, behind the pages of the tables in the same file.
//!
//! **Problem.** The tables do not hold the program's command line and its modules. A reader of the file needs both, even
//! when the process was killed in the middle of writing them.
//!
//! **Idea.** The annex is memory that is mapped to the file like the tables, so no descriptor is needed to write it. It
//! has two halves. A half becomes valid by the store of one word, after it was written.
//!
//! - **Fragment**: a part of a dump, with its records in the same format.
//! - **Current half**: the one that a reader reads. A fragment that adds to the others is written behind them. A fragment
//!   that replaces the others, because it lists all modules, is written into the other half, which then becomes the current
//!   one.

use crate::Error;
use crate::limits::ANNEX_HALF;
use crate::os::errno;
use crate::os::pages::{self, Pages};
use crate::session::owner::Owner;
use crate::sync::*;
use memtrack_format::image::annex::{
    CURRENT, FULL, HALF_LEN, MAGIC, OWNER, OWNER_WORDS, STATE, USED, begin, half,
};

/// Returns the owner of the annex that begins with `bytes`; `None` when no annex begins there.
pub(crate) fn owner(bytes: &[u8]) -> Option<Owner> {
    let (words, _) = bytes.get(..4 * (OWNER + OWNER_WORDS))?.as_chunks::<4>();
    let word = |index: usize| u32::from_ne_bytes(words[index]);
    (word(0) == MAGIC).then(|| Owner::from_words(core::array::from_fn(|index| word(OWNER + index))))
}

/// Writes into the annex at `pages` that its recording has ended. Returns false when the annex has no memory any more,
/// because the file was cut off.
pub(crate) fn mark_ended(pages: Pages) -> bool {
    let annex = Annex { pages };
    let is_readable = pages::may_be_readable(pages.start());
    if is_readable {
        annex.word(STATE).store(FULL, Release);
    }
    is_readable
}

pub(crate) struct Annex {
    pages: Pages,
}

impl Annex {
    /// Bytes of an annex.
    pub(crate) const LEN: usize = begin(2, ANNEX_HALF);

    /// Makes an empty annex in zeroed memory of at least [`LEN`](Self::LEN) bytes.
    pub(crate) fn new(pages: Pages) -> Annex {
        let annex = Annex { pages };
        annex.word(0).store(MAGIC, Relaxed);
        annex.word(HALF_LEN).store(ANNEX_HALF as u32, Relaxed);
        for (index, word) in (OWNER..).zip(Owner::this().words()) {
            annex.word(index).store(word, Relaxed);
        }
        annex
    }

    pub(crate) fn pages(&self) -> Pages {
        self.pages
    }

    /// A word of the head, by its index.
    fn word(&self, index: usize) -> &AtomicU32 {
        // SAFETY: the pages stay mapped until `remove` takes the annex, and begin at a page; every index used here is
        // inside the head, and the head is inside the pages. All access to these words is atomic.
        unsafe { &*self.pages.start().cast::<AtomicU32>().add(index) }
    }

    /// Copies the fragments of another annex into this one, which is not mapped to a file yet.
    #[cfg(not(recorded_from_start))]
    pub(crate) fn copy_from(&self, other: &Annex) {
        for index in [CURRENT, USED, USED + 1] {
            self.word(index).store(other.word(index).load(Acquire), Relaxed);
        }
        for half in 0..2 {
            let (offset, used) = (begin(half, ANNEX_HALF), other.word(USED + half).load(Acquire) as usize);
            // SAFETY: both halves have `ANNEX_HALF` bytes, and the two annexes are different mappings. Nobody else knows this
            // one yet. No other thread of this process, which is a forked child, writes the other one. The parent may write
            // it, but changes no byte that `used` counts in the current half.
            unsafe {
                let (from, to) = (other.pages.start().add(offset), self.pages.start().add(offset));
                core::ptr::copy_nonoverlapping(from, to, used.min(ANNEX_HALF));
            }
        }
    }

    /// Unmaps the memory.
    #[cfg(not(recorded_from_start))]
    pub(crate) fn remove(self) {
        // SAFETY: only the recording used the pages, through this annex, which is moved here. `memory` has their address
        // too, and gets that of the new annex before it uses one.
        unsafe { self.pages.unmap() };
    }

    /// The number of the current half.
    fn current(&self) -> usize {
        half(self.word(CURRENT).load(Relaxed))
    }

    /// Writes a fragment: behind the others, or with `replaces` in place of them. After an error the annex is as before.
    pub(crate) fn write(
        &mut self,
        replaces: bool,
        fragment: impl FnOnce(&mut FragmentWriter<'_>) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let half = self.current() ^ usize::from(replaces);
        let at = if replaces { 0 } else { self.word(USED + half).load(Relaxed) as usize };
        let mut writer = FragmentWriter { annex: self, half, at };
        fragment(&mut writer)?;
        let used = writer.at;
        self.word(USED + half).store(used as u32, Release);
        self.word(CURRENT).store(half as u32, Release);
        Ok(())
    }
}

/// Writes one fragment into a half.
pub(crate) struct FragmentWriter<'a> {
    annex: &'a Annex,
    half: usize,
    /// The position in the half, in bytes.
    at: usize,
}

impl memtrack_format::Sink for &mut FragmentWriter<'_> {
    type Error = Error;

    fn write(&mut self, bytes: &[u8]) -> Result<(), Error> {
        if bytes.len() > ANNEX_HALF - self.at.min(ANNEX_HALF) {
            return Err(Error::File(errno::FILE_TOO_LARGE));
        }
        let offset = begin(self.half, ANNEX_HALF) + self.at;
        self.annex.pages.reserve(offset, bytes.len())?;
        // SAFETY: the check above says that the bytes fit into the half. Nobody else in this process accesses the half: the
        // recording is locked. `bytes` are no part of the annex. Other processes read only bytes that `USED` counts.
        unsafe {
            let to = self.annex.pages.start().cast::<u8>().add(offset);
            core::ptr::copy_nonoverlapping(bytes.as_ptr(), to, bytes.len());
        }
        self.at += bytes.len();
        Ok(())
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use memtrack_format::Sink;

    fn current(annex: &Annex) -> Vec<u8> {
        let (half, used) = (annex.current(), annex.word(USED + annex.current()).load(Relaxed) as usize);
        // SAFETY: this thread has written the bytes, and the annex lives longer than the slice.
        unsafe { core::slice::from_raw_parts(annex.pages.start().add(begin(half, ANNEX_HALF)), used) }
            .to_vec()
    }

    #[test]
    fn fragments_are_appended_or_replace_all_and_a_failed_one_changes_nothing() {
        let new = || Annex::new(Pages::new(Annex::LEN, 4096).unwrap());
        let mut annex = new();
        let mut write = |replaces, text: &[u8]| annex.write(replaces, |mut to| to.write(text));
        assert_eq!((write(true, b"modules"), write(false, b" target")), (Ok(()), Ok(())));
        assert_eq!(current(&annex), b"modules target");
        let failed = annex.write(true, |mut to| to.write(b"half of it").and(Err(Error::DumpRunning)));
        assert_eq!((failed, current(&annex)), (Err(Error::DumpRunning), b"modules target".to_vec()));
        let large = vec![1; ANNEX_HALF + 1];
        assert!(annex.write(true, |mut to| to.write(&large)).is_err());
        assert_eq!(current(&annex), b"modules target");
        assert_eq!(annex.write(true, |mut to| to.write(b"others")), Ok(()));
        assert_eq!(current(&annex), b"others");

        let copy = new();
        copy.copy_from(&annex);
        assert_eq!(current(&copy), b"others");
        [annex, copy].into_iter().for_each(Annex::remove);
    }
}
