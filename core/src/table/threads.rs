//! Thread slots: the figures of each thread, and its own high-water mark.

use super::account::{Account, Booker, Held};
use super::marks::{Epoch, Marks};
use super::room::Share;
use super::stacks::claim;
use crate::counter::Counter;
use crate::sync::*;

/// The slot of events that belong to no known thread.
pub(crate) const UNATTRIBUTED: u16 = 0;
/// The slot that threads share for which none was left.
pub(crate) const OVERFLOW: u16 = 1;
/// The first slot that a thread has to itself.
pub(crate) const FIRST: u16 = 2;

/// Bytes of a thread's name that are kept: what Linux keeps.
pub(crate) const THREAD_NAME: usize = 16;

const RUNNING: u32 = 0;
const EXITED: u32 = 1;

/// A thread, or several of one name that ran one after another. All-zero is unused.
#[repr(C)]
#[derive(Default)]
pub struct ThreadSlot {
    pub(crate) account: Account,
    /// Its share of the program's head-room.
    pub(crate) share: Share,
    /// The generation that the peak belongs to: [`Marks::generation`].
    generation: AtomicUsize,
    /// Highest live bytes since the last re-basing, and the blocks then.
    peak: AtomicUsize,
    /// The highest of the re-basings before, since the last reset.
    kept: AtomicUsize,
    /// The block that the thread's last event gave it, 0 when it was another event.
    last: AtomicUsize,
    peak_blocks: AtomicU32,
    kept_blocks: AtomicU32,
    /// For the frees of others since the last re-basing, and since the last reset.
    rebased: Noted,
    reset: Noted,
    os_id: Counter,
    state: AtomicU32,
    count: AtomicU32,
    name: [AtomicU32; THREAD_NAME / 4],
}

/// What others had freed of a thread's blocks when peaks were re-based: noted at their first free after it.
#[repr(C)]
#[derive(Default)]
struct Noted {
    /// The generation that the re-basing began.
    generation: AtomicUsize,
    bytes: AtomicUsize,
    blocks: AtomicU32,
}

impl Noted {
    /// Before a free: what was `freed` so far.
    #[inline]
    fn note(&self, generation: usize, freed: Held) {
        if self.generation.load(Acquire) != generation {
            self.bytes.store(freed.bytes, Relaxed);
            self.blocks.store(freed.blocks, Relaxed);
            self.generation.store(generation, Release);
        }
    }

    /// What of all that was `freed` was freed since `generation` began.
    fn since(&self, generation: usize, freed: Held) -> Held {
        if self.generation.load(Acquire) == generation {
            freed.minus(Held { bytes: self.bytes.load(Relaxed), blocks: self.blocks.load(Relaxed) })
        } else {
            Held::default()
        }
    }
}

impl ThreadSlot {
    /// Before any event of this thread: when peaks were re-based since its last one, its peak is what it holds.
    #[inline]
    fn follow(&self, marks: &Marks) {
        let now = marks.generation();
        let mine = self.generation.load(Relaxed);
        if mine != now {
            self.rebase(marks, mine, now);
        }
    }

    #[cold]
    fn rebase(&self, marks: &Marks, mine: usize, now: usize) {
        if marks.was_reset_since(mine) {
            self.keep(self.at_reset(marks));
        } else if self.peak.load(Relaxed) > self.kept.load(Relaxed) {
            self.keep(Held { bytes: self.peak.load(Relaxed), blocks: self.peak_blocks.load(Relaxed) });
        }
        let base = self.base(now);
        self.peak.store(base.bytes, Relaxed);
        self.peak_blocks.store(base.blocks, Relaxed);
        self.generation.store(now, Release);
    }

    fn keep(&self, held: Held) {
        self.kept.store(held.bytes, Relaxed);
        self.kept_blocks.store(held.blocks, Relaxed);
    }

    /// What the thread held when the generation `now` began, if it has had no event since: others may have freed
    /// blocks of it.
    fn base(&self, now: usize) -> Held {
        self.account.live().plus(self.rebased.since(now, self.account.remote()))
    }

    /// What it held at the last reset, if it has had no event since.
    fn at_reset(&self, marks: &Marks) -> Held {
        self.account.live().plus(self.reset.since(marks.last_reset(), self.account.remote()))
    }

    /// Books an allocation of `block`.
    #[inline]
    pub(crate) fn alloc(&self, block: usize, size: usize, marks: &Marks, epoch: Epoch<'_>, by: Booker) {
        self.follow(marks);
        self.account.alloc(size, epoch, by);
        self.last.store(block, Relaxed);
        let live = self.account.live();
        if (live.bytes as isize) > self.peak.load(Relaxed) as isize {
            self.peak.store(live.bytes, Relaxed);
            self.peak_blocks.store(live.blocks, Relaxed);
        }
    }

    /// Books a free of one of its own blocks by the thread itself. True when the block is temporary: nothing
    /// happened between its allocation and its free.
    #[inline]
    pub(crate) fn free(&self, block: usize, size: usize, marks: &Marks, epoch: Epoch<'_>) -> bool {
        self.follow(marks);
        self.account.free(size, epoch, Booker::Owner);
        let temporary = self.last.load(Relaxed) == block;
        self.last.store(0, Relaxed);
        temporary
    }

    /// Books a free of one of its blocks by somebody else.
    #[inline]
    pub(crate) fn free_remote(&self, size: usize, marks: &Marks, epoch: Epoch<'_>) {
        let freed = self.account.remote();
        self.rebased.note(marks.generation(), freed);
        self.reset.note(marks.last_reset(), freed);
        self.account.free(size, epoch, Booker::Anyone);
    }

    /// An event of this thread that is booked elsewhere: what it allocated last is not temporary.
    #[inline]
    pub(crate) fn other_event(&self) {
        self.last.store(0, Relaxed);
    }

    /// The peak becomes what is live: the calling thread's own `reset_thread_peak`.
    pub(crate) fn reset_peak(&self, marks: &Marks) {
        self.follow(marks);
        let live = self.account.live();
        self.keep(live);
        self.peak.store(live.bytes, Relaxed);
        self.peak_blocks.store(live.blocks, Relaxed);
    }

    /// Highest live bytes since the last reset, and the blocks then.
    pub(crate) fn peak(&self, marks: &Marks) -> Held {
        if marks.was_reset_since(self.generation.load(Acquire)) {
            return self.at_reset(marks).settled();
        }
        let kept = Held { bytes: self.kept.load(Relaxed), blocks: self.kept_blocks.load(Relaxed) };
        let peak = Held { bytes: self.peak.load(Relaxed), blocks: self.peak_blocks.load(Relaxed) };
        if kept.bytes >= peak.bytes { kept } else { peak }
    }

    /// Highest live bytes since the last re-basing (the innermost stage's begin, or a reset).
    pub(crate) fn stage_peak(&self, marks: &Marks) -> Held {
        let now = marks.generation();
        if self.generation.load(Acquire) == now {
            return Held { bytes: self.peak.load(Relaxed), blocks: self.peak_blocks.load(Relaxed) };
        }
        self.base(now).settled()
    }

    /// The thread ends: its figures stay, its slot may be continued by another of its name.
    pub(crate) fn exit(&self, name: [u8; THREAD_NAME]) {
        self.set_name(name);
        self.state.store(EXITED, Release);
    }

    pub(crate) fn has_exited(&self) -> bool {
        self.state.load(Acquire) == EXITED
    }

    /// How many threads used this slot.
    pub(crate) fn count(&self) -> u32 {
        self.count.load(Relaxed)
    }

    pub(crate) fn os_id(&self) -> u64 {
        self.os_id.get()
    }

    pub(crate) fn name(&self) -> [u8; THREAD_NAME] {
        let mut name = [0; THREAD_NAME];
        for (bytes, word) in name.chunks_exact_mut(4).zip(&self.name) {
            bytes.copy_from_slice(&word.load(Relaxed).to_le_bytes());
        }
        name
    }

    pub(crate) fn set_name(&self, name: [u8; THREAD_NAME]) {
        for (word, bytes) in self.name.iter().zip(name.chunks_exact(4)) {
            word.store(u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]), Relaxed);
        }
    }
}

/// `N` slots. All-zero is the empty table.
#[repr(C)]
pub(crate) struct ThreadTable<const N: usize> {
    used: AtomicU32,
    slots: [ThreadSlot; N],
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
        Threads { used: &self.used, slots: &self.slots }
    }
}

/// A view of a [`ThreadTable`] of any size.
#[derive(Clone, Copy)]
pub struct Threads<'t> {
    pub(super) used: &'t AtomicU32,
    pub(super) slots: &'t [ThreadSlot],
}

impl<'t> Threads<'t> {
    /// A slot for a thread that has its first event. When all are taken, that of an exited thread whose name
    /// `is_same`; else the slot that the rest share.
    #[cold]
    pub(crate) fn claim(&self, os_id: u64, is_same: impl Fn(&[u8; THREAD_NAME]) -> bool) -> u16 {
        let fresh = claim(self.used, self.slots.len() - usize::from(FIRST));
        let id = match fresh {
            Some(n) => FIRST + n as u16,
            None => match self.adopt(is_same) {
                Some(id) => id,
                None => OVERFLOW,
            },
        };
        let slot = self.get(id);
        slot.os_id.set(os_id);
        slot.count.fetch_add(1, Relaxed);
        id
    }

    fn adopt(&self, is_same: impl Fn(&[u8; THREAD_NAME]) -> bool) -> Option<u16> {
        (FIRST..self.slots.len() as u16).find(|&id| {
            let slot = self.get(id);
            // Acquire, against the Release of `exit`: what the exited thread wrote is seen by its successor.
            slot.has_exited()
                && is_same(&slot.name())
                && slot.state.compare_exchange(EXITED, RUNNING, AcqRel, Relaxed).is_ok()
        })
    }

    /// In a forked child: all threads but that of `slot` are gone, and that one has a new number.
    #[cfg(feature = "std")]
    pub(crate) fn forked(&self, slot: Option<u16>, os_id: u64) {
        if let Some(slot) = slot.filter(|slot| *slot >= FIRST) {
            self.get(slot).os_id.set(os_id);
        }
        let gone = self.iter().filter(|(id, _)| *id >= FIRST && Some(*id) != slot);
        gone.for_each(|(_, thread)| thread.state.store(EXITED, Release));
    }

    #[inline]
    pub(crate) fn get(&self, id: u16) -> &'t ThreadSlot {
        // An id past the table can only come from damaged memory: the hook books on the last slot rather than panic.
        &self.slots[usize::from(id).min(self.slots.len() - 1)]
    }

    /// How many slots are used, and how many fit.
    pub(crate) fn usage(&self) -> (u32, u32) {
        let capacity = self.slots.len() as u32 - u32::from(FIRST);
        (self.used.load(Acquire).min(capacity), capacity)
    }

    /// All slots in use: the two shared ones when they have events, then the threads.
    pub(crate) fn iter(self) -> impl Iterator<Item = (u16, &'t ThreadSlot)> {
        let end = u32::from(FIRST) + self.usage().0;
        (0..end as u16)
            .map(move |id| (id, self.get(id)))
            .filter(|(id, slot)| *id >= FIRST || !slot.account.is_unused())
    }
}

/// Who books the events of a thread that has the slot `id`.
#[inline]
pub(crate) fn booker(id: u16) -> Booker {
    if id >= FIRST { Booker::Owner } else { Booker::Anyone }
}
