//! The annex of a recording: what only the process can tell, as fragments of a dump behind the pages of the tables.
//!
//! It is memory that is laid into the file like the tables, so that no descriptor is needed to write it. It has two
//! halves. Fragments are appended to the current one; a fragment with modules, which replaces all before it, begins
//! the other half anew. A process that is killed in the middle of that leaves the current half as it was.

use crate::Error;
use crate::os::errno;
use crate::os::pages::{self, Pages};
use crate::session::owner::Owner;
use crate::sync::*;

/// The first word, in the target's byte order: in a little-endian file it reads `\x89MTA`.
const MAGIC: u32 = u32::from_le_bytes(*b"\x89MTA");
/// Bytes in front of the halves.
const HEAD: usize = 4096;
/// Bytes of a half: the modules of a program with thousands of libraries.
const HALF: usize = 1 << 20;

/// Words of the head.
const HALF_LEN: usize = 1;
const CURRENT: usize = 2;
const USED: usize = 3;
const STATE: usize = 5;
/// The process, and when it began.
const OWNER: usize = 6;

/// The word that says that the recording ended before the process: the file system had no room.
const FULL: u32 = 1;

/// The process that an annex which begins with `bytes` is of.
pub(crate) fn owner(bytes: &[u8]) -> Option<Owner> {
    let word = |place: usize| Some(u32::from_ne_bytes(*bytes.get(4 * place..)?.first_chunk()?));
    (word(0)? == MAGIC).then_some(Owner::from_words([word(OWNER)?, word(OWNER + 1)?, word(OWNER + 2)?]))
}

/// Notes in the annex at `pages` that its recording has ended. False when that has no memory any more: the file was cut
/// off.
pub(crate) fn note_end(pages: Pages) -> bool {
    let annex = Annex { pages };
    let is_there = pages::is_readable(pages.start());
    if is_there {
        annex.word(STATE).store(FULL, Release);
    }
    is_there
}

pub(crate) struct Annex {
    pages: Pages,
}

impl Annex {
    /// Bytes of an annex.
    pub(crate) const LEN: usize = HEAD + 2 * HALF;

    /// An empty annex behind `offset` bytes of the file.
    pub(crate) fn new(offset: usize) -> Result<Annex, Error> {
        let annex = Annex { pages: Pages::new(Self::LEN, offset)? };
        annex.word(0).store(MAGIC, Relaxed);
        annex.word(HALF_LEN).store(HALF as u32, Relaxed);
        for (place, word) in (OWNER..).zip(Owner::this().words()) {
            annex.word(place).store(word, Relaxed);
        }
        Ok(annex)
    }

    pub(crate) fn pages(&self) -> Pages {
        self.pages
    }

    fn word(&self, place: usize) -> &AtomicU32 {
        // SAFETY: the pages live as long as the program, are aligned, and longer than the head.
        unsafe { &*self.pages.start().cast::<AtomicU32>().add(place) }
    }

    /// Writes what another annex holds into this one, which is nobody's file yet.
    pub(crate) fn copy(&self, other: &Annex) {
        for place in [CURRENT, USED, USED + 1] {
            self.word(place).store(other.word(place).load(Acquire), Relaxed);
        }
        for half in 0..2 {
            let (offset, used) = (HEAD + half * HALF, other.word(USED + half).load(Acquire) as usize);
            // SAFETY: both are as long; this one is nobody else's yet, and the thread that forked writes the other.
            unsafe {
                let (from, to) = (other.pages.start().add(offset), self.pages.start().add(offset));
                core::ptr::copy_nonoverlapping(from, to, used.min(HALF));
            }
        }
    }

    /// Gives up the memory.
    pub(crate) fn remove(self) {
        // SAFETY: nobody else has it.
        unsafe { self.pages.remove() };
    }

    fn current(&self) -> usize {
        self.word(CURRENT).load(Relaxed) as usize & 1
    }

    /// Writes a fragment: behind those of the current half, or in place of all.
    pub(crate) fn write(
        &mut self,
        replaces: bool,
        fragment: impl FnOnce(&mut Writing<'_>) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let half = self.current() ^ usize::from(replaces);
        let at = if replaces { 0 } else { self.word(USED + half).load(Relaxed) as usize };
        let mut writing = Writing { annex: self, half, at };
        fragment(&mut writing)?;
        let used = writing.at;
        self.word(USED + half).store(used as u32, Release);
        self.word(CURRENT).store(half as u32, Release);
        Ok(())
    }
}

/// A fragment that is being written.
pub(crate) struct Writing<'a> {
    annex: &'a Annex,
    half: usize,
    at: usize,
}

impl memtrack_format::Sink for &mut Writing<'_> {
    type Error = Error;

    fn write(&mut self, bytes: &[u8]) -> Result<(), Error> {
        if bytes.len() > HALF - self.at.min(HALF) {
            return Err(Error::File(errno::FILE_TOO_LARGE));
        }
        let offset = HEAD + self.half * HALF + self.at;
        self.annex.pages.reserve(offset, bytes.len())?;
        // SAFETY: the bytes fit into the half, which nobody else writes: the recording is locked. Readers are other
        // processes, which look at what is said to be used.
        unsafe {
            let to = self.annex.pages.start().cast::<u8>().add(offset);
            core::ptr::copy_nonoverlapping(bytes.as_ptr(), to, bytes.len());
        }
        self.at += bytes.len();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use memtrack_format::Sink;

    fn current(annex: &Annex) -> Vec<u8> {
        let (half, used) = (annex.current(), annex.word(USED + annex.current()).load(Relaxed) as usize);
        // SAFETY: the bytes were written, by this thread.
        unsafe { core::slice::from_raw_parts(annex.pages.start().add(HEAD + half * HALF), used) }.to_vec()
    }

    #[test]
    fn fragments_are_appended_or_replace_all_and_a_failed_one_is_none() {
        let mut annex = Annex::new(4096).unwrap();
        let mut write = |replaces, text: &[u8]| annex.write(replaces, |mut to| to.write(text));
        assert_eq!((write(true, b"modules"), write(false, b" target")), (Ok(()), Ok(())));
        assert_eq!(current(&annex), b"modules target");
        let failed = annex.write(true, |mut to| to.write(b"half of it").and(Err(Error::DumpRunning)));
        assert_eq!((failed, current(&annex)), (Err(Error::DumpRunning), b"modules target".to_vec()));
        let large = vec![1; HALF + 1];
        assert!(annex.write(true, |mut to| to.write(&large)).is_err());
        assert_eq!(current(&annex), b"modules target");
        assert_eq!(annex.write(true, |mut to| to.write(b"others")), Ok(()));
        assert_eq!(current(&annex), b"others");

        let copy = Annex::new(4096).unwrap();
        copy.copy(&annex);
        assert_eq!(current(&copy), b"others");
        [annex, copy].into_iter().for_each(Annex::remove);
    }
}
