//! The threads: a table of [slots](super::slot).

use super::backing::prepare;
use super::growth::Growth;
use super::peak::share::{Share, Shares};
use super::slot::{THREAD_NAME, ThreadSlot};
use crate::sync::*;
use memtrack_format::image::key;

/// The slot of events that belong to no known thread.
pub(crate) const UNATTRIBUTED: u16 = key::UNATTRIBUTED_SLOT as u16;
/// The slot of all threads that found none left.
pub(crate) const OVERFLOW: u16 = key::OVERFLOW_SLOT as u16;
/// The first slot that a single thread has.
pub(crate) const FIRST: u16 = key::SHARED_SLOTS as u16;

/// `N` slots. All-zero is the empty table.
#[repr(C)]
pub(crate) struct ThreadTable<const N: usize> {
    used: AtomicU32,
    pub(super) slots: [ThreadSlot; N],
}

impl<const N: usize> ThreadTable<N> {
    const SIZE: () = assert!(
        N > FIRST as usize && N <= u16::MAX as usize,
        "a region needs 3 thread slots at least (two are the tracker's own) and 65535 at most"
    );

    pub(crate) const fn new() -> Self {
        const { Self::SIZE };
        // SAFETY: a slot consists of atomic integers, for which all-zero is a value.
        ThreadTable { used: AtomicU32::new(0), slots: unsafe { core::mem::zeroed() } }
    }

    #[inline]
    pub(crate) fn by_ref(&self) -> Threads<'_> {
        Threads { used: &self.used, slots: &self.slots, growth: Growth::WHOLE }
    }
}

/// A view of a [`ThreadTable`] of any size.
#[derive(Clone, Copy)]
pub struct Threads<'t> {
    pub(super) used: &'t AtomicU32,
    pub(super) slots: &'t [ThreadSlot],
    pub(super) growth: Growth<'t>,
}

impl<'t> Threads<'t> {
    /// A slot for a thread that has its first event. When all are taken, the slot of an exited thread whose name `is_same`;
    /// else the slot that all further threads share.
    #[cold]
    pub(crate) fn claim(&self, os_id: u64, is_same: impl Fn(&[u8; THREAD_NAME]) -> bool) -> u16 {
        let prepare_slot = |number| prepare(self.get(FIRST + number as u16));
        let fresh = self.growth.claim(self.used, self.slots.len(), FIRST.into(), prepare_slot);
        let id = match fresh {
            Some(n) => FIRST + n as u16,
            // An adopted slot has been used before.
            None => self.adopt(is_same).unwrap_or_else(|| {
                prepare(self.get(OVERFLOW));
                OVERFLOW
            }),
        };
        self.get(id).begin(id, os_id);
        id
    }

    fn adopt(&self, is_same: impl Fn(&[u8; THREAD_NAME]) -> bool) -> Option<u16> {
        (FIRST..FIRST + self.usage().0 as u16).find(|&id| {
            let slot = self.get(id);
            // Acquire, against the Release of `exit`: the successor sees everything that the exited thread wrote.
            slot.has_exited() && is_same(&slot.name()) && slot.take_over()
        })
    }

    /// In a forked child: the slots are those of the parent's threads. The thread that goes on takes a new slot at its next
    /// event.
    #[cfg(feature = "std")]
    pub(crate) fn forked(&self) {
        self.iter().filter(|(id, _)| *id >= FIRST).for_each(|(_, slot)| slot.inherit());
    }

    /// The slot of a single thread; `None` for a shared slot, and for a number that no slot has.
    #[inline(always)]
    pub(crate) fn own(&self, id: usize) -> Option<&'t ThreadSlot> {
        self.slots.get(usize::from(FIRST)..)?.get(id.wrapping_sub(usize::from(FIRST)))
    }

    /// The slot with that number, when it has memory.
    pub(crate) fn find(&self, id: u16) -> Option<&'t ThreadSlot> {
        let id = usize::from(id);
        if id < self.growth.readable(self.slots.len()) { self.slots.get(id) } else { None }
    }

    #[inline]
    pub(crate) fn get(&self, id: u16) -> &'t ThreadSlot {
        // An id past the table is from damaged memory: the hook counts in the last slot, and does not panic.
        &self.slots[usize::from(id).min(self.slots.len() - 1)]
    }

    /// Whether the slot is that of the process's first thread, which has `inherited` slots of its parent's threads.
    pub(crate) fn is_first(slot: u16, inherited: u32) -> bool {
        u32::from(slot) == u32::from(FIRST).wrapping_add(inherited)
    }

    /// Bytes that are live, modulo the word's width.
    pub(crate) fn live_bytes(self) -> usize {
        self.iter().map(|(_, slot)| slot.account.live().bytes).fold(0, usize::wrapping_add)
    }

    /// How many slots there can be.
    #[cfg(feature = "std")]
    pub(crate) fn capacity(&self) -> usize {
        self.slots.len()
    }

    /// How many slots are used, and how many fit.
    pub(crate) fn usage(&self) -> (u32, u32) {
        self.growth.usage(self.used, self.slots.len(), FIRST.into())
    }

    /// All slots in use: the two shared ones if they have events, then those of threads.
    pub(crate) fn iter(self) -> impl Iterator<Item = (u16, &'t ThreadSlot)> {
        let end = u32::from(FIRST) + self.usage().0;
        (0..end as u16)
            .map(move |id| (id, self.get(id)))
            .filter(|(id, slot)| *id >= FIRST || !slot.account.is_unused())
    }
}

impl<'t> Shares<'t> for Threads<'t> {
    fn shares(self) -> impl Iterator<Item = &'t Share> {
        self.iter().map(|(_, slot)| &slot.share)
    }

    fn count(self) -> u32 {
        self.usage().0
    }
}

#[cfg(all(test, feature = "std", not(models)))]
mod tests {
    use super::*;
    use crate::table::account::Booker;
    use crate::table::peak::Epochs;
    use memtrack_format::ThreadState;

    const NAME: [u8; THREAD_NAME] = *b"worker-1 of many";

    #[test]
    fn a_slot_of_an_exited_thread_is_continued_by_one_of_its_name() {
        let table = Box::new(ThreadTable::<4>::new());
        let threads = table.by_ref();
        let claim = |os_id| threads.claim(os_id, |name| *name == NAME);
        assert_eq!([claim(71), claim(72)], [2, 3]);
        assert_eq!((threads.usage(), threads.capacity()), ((2, 2), 4));
        assert_eq!(claim(73), OVERFLOW, "both run");
        threads.get(2).exit([0; THREAD_NAME]);
        assert_eq!(claim(74), OVERFLOW, "the name is another one");
        threads.get(3).exit(NAME);
        assert!(threads.get(3).has_exited());
        assert_eq!((claim(75), claim(76)), (3, OVERFLOW));
        let slot = threads.get(3);
        assert_eq!((slot.count(), slot.os_id(), slot.number(), slot.name()), (2, 75, 3, NAME));
        assert_eq!((slot.state(), threads.get(2).state()), (ThreadState::Running, ThreadState::Exited));
    }

    #[test]
    fn only_slots_that_are_there_are_found() {
        let table = Box::new(ThreadTable::<4>::new());
        let threads = table.by_ref();
        let is = |found: Option<&ThreadSlot>, id: usize| {
            found.is_some_and(|slot| core::ptr::eq(slot, &table.slots[id]))
        };
        assert!(is(threads.find(0), 0) && is(threads.find(3), 3) && threads.find(4).is_none());
        assert!(is(threads.own(2), 2) && is(threads.own(3), 3));
        assert!(
            [0, 1, 4, usize::MAX].into_iter().all(|id| threads.own(id).is_none()),
            "shared, or not there"
        );
        assert!(is(Some(threads.get(1)), 1) && is(Some(threads.get(9)), 3));
        assert!(Threads::is_first(2, 0) && Threads::is_first(5, 3) && !Threads::is_first(2, 3));
    }

    #[test]
    fn slots_in_use_are_listed() {
        let table = Box::new(ThreadTable::<5>::new());
        let (threads, epochs) = (table.by_ref(), Epochs::default());
        let used = || threads.iter().map(|(id, _)| id).collect::<std::vec::Vec<_>>();
        assert_eq!(used(), []);
        threads.claim(1, |_| false);
        threads.claim(2, |_| false);
        assert_eq!(used(), [2, 3]);
        threads.get(OVERFLOW).alloc(0, 10, &epochs, epochs.epoch(), Booker::Anyone);
        threads.get(3).alloc(0, 5, &epochs, epochs.epoch(), Booker::Owner);
        assert_eq!((used(), threads.live_bytes()), (std::vec![1, 2, 3], 15));
        assert_eq!((threads.shares().count(), threads.count()), (3, 2));
        threads.forked();
        let states = threads.iter().map(|(_, slot)| slot.state()).collect::<std::vec::Vec<_>>();
        assert_eq!(states, [ThreadState::Running, ThreadState::Inherited, ThreadState::Inherited]);
        assert_eq!(threads.claim(3, |_| true), 4);
        assert_eq!(threads.claim(4, |_| true), OVERFLOW, "no thread continues a slot of the parent");
    }
}
