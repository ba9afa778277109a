//! Tags: names pushed under a thread's stacks. A tag is (outer tag, name); its id is its place, from 1.

use super::name::Name;
use heapless::{Vec, VecView};

#[derive(Clone, Copy)]
pub struct Tag {
    parent: u16,
    name: Name,
}

/// Up to `N` tags. They are few and entered outside the hook: a list under a lock.
pub(crate) struct TagTable<const N: usize> {
    tags: spin::Mutex<Vec<Tag, N>>,
}

impl<const N: usize> TagTable<N> {
    const SIZE: () = assert!(N < u16::MAX as usize, "a cell can name at most 65534 tags");

    pub(crate) const fn new() -> Self {
        const { Self::SIZE };
        TagTable { tags: spin::Mutex::new(Vec::new()) }
    }

    pub(crate) fn by_ref(&self) -> Tags<'_> {
        Tags(&self.tags)
    }
}

/// A view of a [`TagTable`] of any size.
pub struct Tags<'t>(&'t spin::Mutex<VecView<Tag>>);

impl Tags<'_> {
    /// The id of `name` under `parent`; `None` when the table is full or its lock cannot be had.
    pub(crate) fn find_or_insert(&self, parent: u16, name: &str) -> Option<u16> {
        let name = Name::new(name);
        let mut tags = super::try_lock(self.0)?;
        let found =
            tags.iter().position(|tag| tag.parent == parent && tag.name.as_bytes() == name.as_bytes());
        let place = match found {
            Some(place) => place,
            None => {
                tags.push(Tag { parent, name }).ok()?;
                tags.len() - 1
            }
        };
        Some(place as u16 + 1)
    }

    /// In a forked child, whose other threads are gone.
    #[cfg(feature = "std")]
    pub(crate) fn unlock_after_fork(&self) {
        if self.0.is_locked() {
            // SAFETY: the child has one thread, which is in `fork`, not in here.
            unsafe { self.0.force_unlock() };
        }
    }

    /// How many tags are used, and how many fit.
    pub(crate) fn usage(&self) -> (u32, u32) {
        super::try_lock(self.0).map_or((0, 0), |tags| (tags.len() as u32, tags.capacity() as u32))
    }

    /// Tag number `place` from 0: its outer tag's id and its name.
    pub(crate) fn get(&self, place: usize) -> Option<(u16, Name)> {
        super::try_lock(self.0)?.get(place).map(|tag| (tag.parent, tag.name))
    }
}
