//! Tags: names pushed under a thread's stacks. A tag is a pair of outer tag and name; its id is its position, from 1.

use super::image::assert_layout;
use super::name::Name;
use crate::lock::{Lock, try_lock};
use crate::sync::*;
use core::mem::offset_of;
use memtrack_format::image::{key, records};

/// Words of a tag's name.
const WORDS: usize = key::NAME_WORDS;

/// All-zero until it is written, then never changed.
#[repr(C)]
struct Tag {
    parent: AtomicU32,
    /// The bytes of its name, the lowest byte of a word first.
    name: [AtomicU32; WORDS],
}

assert_layout!(records::Tag as Tag; offset_of!(Tag, parent), offset_of!(Tag, name));

impl Tag {
    fn set(&self, parent: u16, name: &[u32; WORDS]) {
        self.parent.store(u32::from(parent), Relaxed);
        self.name.iter().zip(name).for_each(|(to, word)| to.store(*word, Relaxed));
    }

    fn is(&self, parent: u16, name: &[u32; WORDS]) -> bool {
        self.parent.load(Relaxed) == u32::from(parent)
            && self.name.iter().zip(name).all(|(own, word)| own.load(Relaxed) == *word)
    }

    fn get(&self) -> (u16, Name) {
        let words: [u32; WORDS] = core::array::from_fn(|word| self.name[word].load(Relaxed));
        (self.parent.load(Relaxed) as u16, Name::from_bytes(key::to_bytes(words)))
    }
}

/// Up to `N` tags. They are few, and inserted outside the hook: a list with a lock for insertions.
#[repr(C)]
pub(crate) struct TagTable<const N: usize> {
    used: AtomicU32,
    tags: [Tag; N],
    lock: Lock<()>,
}

impl<const N: usize> TagTable<N> {
    const SIZE: () = assert!(N < u16::MAX as usize, "a cell can name at most 65534 tags");
    /// Bytes from one tag to the next.
    pub(super) const STRIDE: usize = size_of::<Tag>();

    pub(crate) const fn new() -> Self {
        const { Self::SIZE };
        let tags =
            [const { Tag { parent: AtomicU32::new(0), name: [const { AtomicU32::new(0) }; WORDS] } }; N];
        TagTable { used: AtomicU32::new(0), tags, lock: Lock::new(()) }
    }

    pub(crate) fn by_ref(&self) -> Tags<'_> {
        Tags { used: &self.used, tags: &self.tags, lock: &self.lock }
    }
}

/// A view of a [`TagTable`] of any size.
#[derive(Clone, Copy)]
pub struct Tags<'t> {
    used: &'t AtomicU32,
    tags: &'t [Tag],
    lock: &'t Lock<()>,
}

impl Tags<'_> {
    /// The id of `name` under `parent`; `None` when the table is full or its lock cannot be had.
    pub(crate) fn find_or_insert(&self, parent: u16, name: &str) -> Option<u16> {
        let name = key::to_words(Name::new(name).to_bytes());
        let place = self.find(parent, &name).or_else(|| self.insert(parent, &name))?;
        Some(place as u16 + 1)
    }

    /// Takes no lock: a tag never changes.
    fn find(&self, parent: u16, name: &[u32; WORDS]) -> Option<usize> {
        self.tags[..self.usage().0 as usize].iter().position(|tag| tag.is(parent, name))
    }

    fn insert(&self, parent: u16, name: &[u32; WORDS]) -> Option<usize> {
        let _lock = try_lock(self.lock)?;
        // Another thread may have been first.
        self.find(parent, name).or_else(|| {
            let used = self.usage().0 as usize;
            self.tags.get(used)?.set(parent, name);
            // Release: a thread that reads the number finds the tag filled in.
            self.used.store(used as u32 + 1, Release);
            Some(used)
        })
    }

    /// How many tags are used, and how many fit.
    pub(crate) fn usage(&self) -> (u32, u32) {
        (self.used.load(Acquire).min(self.tags.len() as u32), self.tags.len() as u32)
    }

    /// Tag number `place` from 0: its outer tag's id and its name.
    pub(crate) fn get(&self, place: usize) -> Option<(u16, Name)> {
        self.tags.get(..self.usage().0 as usize)?.get(place).map(Tag::get)
    }
}
