//! A list of bounded length with a defined layout: a host reads it from a copy of a region. The layout of `heapless::Vec` is
//! private.

use core::mem::MaybeUninit;
use core::ops::{Deref, DerefMut};

/// The number of items, then up to `N` items in their order.
#[repr(C)]
pub struct List<T, const N: usize> {
    len: u32,
    /// The first `len` are values.
    items: [MaybeUninit<T>; N],
}

impl<T: Clone, const N: usize> List<T, N> {
    /// Where the items begin.
    pub(super) const ITEMS: usize = core::mem::offset_of!(Self, items);
    const PLAIN: () = assert!(!core::mem::needs_drop::<T>(), "items of a list are not dropped");

    /// The empty list; all-zero, as all of a region at its start.
    pub(crate) const fn new() -> Self {
        const { Self::PLAIN };
        List { len: 0, items: [const { MaybeUninit::zeroed() }; N] }
    }

    pub(crate) fn is_full(&self) -> bool {
        self.len() == N
    }

    /// Appends an item. A full list gives it back.
    pub(crate) fn push(&mut self, item: T) -> Result<(), T> {
        let Some(place) = self.items.get_mut(self.len as usize) else { return Err(item) };
        place.write(item);
        self.len += 1;
        Ok(())
    }

    /// Removes the last item.
    pub(crate) fn pop(&mut self) -> Option<T> {
        let item = self.last().cloned()?;
        self.len -= 1;
        Some(item)
    }

    /// Keeps the first `len` items.
    pub(crate) fn truncate(&mut self, len: usize) {
        self.len = self.len.min(len as u32);
    }

    /// Inserts an item at `place`. A full list gives it back.
    pub(crate) fn insert(&mut self, place: usize, item: T) -> Result<(), T> {
        self.push(item)?;
        self[place..].rotate_right(1);
        Ok(())
    }

    /// Removes the item at `place`, which must exist.
    pub(crate) fn remove(&mut self, place: usize) -> T {
        let item = self[place].clone();
        self[place..].rotate_left(1);
        self.len -= 1;
        item
    }
}

impl<T, const N: usize> Deref for List<T, N> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        // SAFETY: the first `len` items are values: `len` only grows after a write, in `push`. Where another process has
        // written into a recording's file, there are no more items than fit, and they have the bytes that it wrote.
        unsafe { core::slice::from_raw_parts(self.items.as_ptr().cast(), (self.len as usize).min(N)) }
    }
}

impl<T, const N: usize> DerefMut for List<T, N> {
    fn deref_mut(&mut self) -> &mut [T] {
        // SAFETY: as in `deref`.
        unsafe { core::slice::from_raw_parts_mut(self.items.as_mut_ptr().cast(), (self.len as usize).min(N)) }
    }
}

impl<T: Clone, const N: usize> Clone for List<T, N> {
    fn clone(&self) -> Self {
        let mut list = List::new();
        for item in self.iter().cloned() {
            // They fit into a list of the same capacity.
            let _ = list.push(item);
        }
        list
    }
}

impl<T: core::fmt::Debug, const N: usize> core::fmt::Debug for List<T, N> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::List;

    #[test]
    fn items_keep_their_order() {
        let mut list = List::<u16, 3>::new();
        assert_eq!((list.push(1), list.push(3), list.insert(1, 2)), (Ok(()), Ok(()), Ok(())));
        assert_eq!((list.push(9), list.insert(0, 9)), (Err(9), Err(9)));
        assert_eq!((&list[..], list.is_full()), (&[1, 2, 3][..], true));
        assert_eq!((list.remove(0), list.pop(), list.clone().pop(), list.len()), (1, Some(3), Some(2), 1));
        assert_eq!((list.pop(), list.pop()), (Some(2), None));
    }
}
