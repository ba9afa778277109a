//! The slot of a thread: its figures, its own peaks, and who it is.

use super::account::{Account, Booker, Held};
use super::image::assert_layout;
use super::peak::share::Share;
use super::peak::thread::ThreadPeaks;
use super::peak::{Epoch, Epochs};
use super::sizes::Sizes;
use crate::counter::Counter;
use crate::sync::*;
use core::mem::offset_of;
use memtrack_format::ThreadState;
use memtrack_format::image::key::{self, SlotState};
use memtrack_format::image::records;

/// Bytes of a thread's name: as many as Linux keeps.
pub(crate) const THREAD_NAME: usize = key::THREAD_NAME_BYTES;

const RUNNING: u32 = SlotState::Running as u32;
const EXITED: u32 = SlotState::Exited as u32;
/// A thread of the process from which this one was forked: no thread of this process continues the slot.
#[cfg(feature = "std")]
const INHERITED: u32 = SlotState::Inherited as u32;

/// A thread, or several threads of one name that ran one after another. All-zero is unused.
#[repr(C)]
#[derive(Default)]
pub struct ThreadSlot {
    pub(crate) account: Account,
    /// Its share of the program's credit.
    pub(crate) share: Share,
    /// The block that the thread's last event allocated; 0 after any other event.
    last: AtomicUsize,
    peaks: ThreadPeaks,
    os_id: Counter,
    state: AtomicU32,
    count: AtomicU32,
    name: [AtomicU32; THREAD_NAME / 4],
    pub(crate) sizes: Sizes,
}

const _: () = {
    let (share, peaks) = (offset_of!(ThreadSlot, share), offset_of!(ThreadSlot, peaks));
    let [bytes, inside] = Share::OFFSETS;
    let of = ThreadPeaks::OFFSETS;
    assert_layout!(
        records::Slot, slots 0, base 0;
        offset_of!(ThreadSlot, account),
        share + bytes,
        share + inside,
        offset_of!(ThreadSlot, last),
        peaks + of[0], peaks + of[1], peaks + of[2], peaks + of[3],
        peaks + of[4], peaks + of[5], peaks + of[6], peaks + of[7],
        offset_of!(ThreadSlot, os_id),
        offset_of!(ThreadSlot, state),
        offset_of!(ThreadSlot, count),
        offset_of!(ThreadSlot, name),
        offset_of!(ThreadSlot, sizes),
    );
};

impl ThreadSlot {
    /// Counts an allocation of `block`.
    #[inline]
    pub(crate) fn alloc(&self, block: usize, size: usize, epochs: &Epochs, epoch: Epoch<'_>, by: Booker) {
        self.peaks.follow(&self.account, epochs);
        self.account.alloc(size, epoch, by);
        self.sizes.add(size, by);
        self.last.store(block, Relaxed);
        self.peaks.raise(&self.account);
    }

    /// Before the thread's first event in an epoch: follows the generation, and copies the live figures.
    pub(crate) fn begin_epoch(&self, epochs: &Epochs, epoch: Epoch<'_>) {
        self.peaks.follow(&self.account, epochs);
        self.account.begin_epoch(epoch);
    }

    /// Counts an allocation by the thread itself, in the epoch of its last event. Its peaks are left to the caller.
    #[inline(always)]
    pub(crate) fn add(&self, block: usize, size: usize) {
        self.account.add(size);
        self.sizes.add(size, Booker::Owner);
        self.last.store(block, Relaxed);
    }

    /// Whether the thread may have a new peak.
    #[inline(always)]
    pub(crate) fn is_high(&self) -> bool {
        !self.peaks.is_above(self.account.own_bytes())
    }

    /// Raises the thread's peaks to the bytes that it holds.
    #[inline(always)]
    pub(crate) fn raise_high(&self) {
        self.peaks.raise(&self.account);
    }

    /// Counts a free by the thread itself, in the epoch of its last event. True when the block is temporary.
    #[inline(always)]
    pub(crate) fn subtract(&self, block: usize, size: usize) -> bool {
        self.account.subtract(size);
        let temporary = self.last.load(Relaxed) == block;
        self.last.store(0, Relaxed);
        temporary
    }

    /// Counts a free of one of its own blocks by the thread itself. True when the block is temporary: the thread had no event
    /// between its allocation and its free.
    #[inline]
    pub(crate) fn free(&self, block: usize, size: usize, epochs: &Epochs, epoch: Epoch<'_>) -> bool {
        self.peaks.follow(&self.account, epochs);
        self.account.free(size, epoch, Booker::Owner);
        let temporary = self.last.load(Relaxed) == block;
        self.last.store(0, Relaxed);
        temporary
    }

    /// Counts a free of one of its blocks by another thread.
    #[inline]
    pub(crate) fn free_remote(&self, size: usize, epochs: &Epochs, epoch: Epoch<'_>) {
        self.peaks.before_remote_free(&self.account, epochs);
        self.account.free(size, epoch, Booker::Anyone);
    }

    /// The thread has an event that is counted elsewhere: the block that it allocated last is not temporary.
    #[inline]
    pub(crate) fn other_event(&self) {
        self.last.store(0, Relaxed);
    }

    /// Makes the thread's figures those of its cells again, after one of its events was abandoned in the middle. By the
    /// thread itself.
    #[cfg(feature = "std")]
    pub(crate) fn repair<'c>(&self, cells: impl Iterator<Item = &'c Account>) {
        self.account.repair(cells);
        let (allocs, bytes) = self.account.allocated();
        self.sizes.repair(allocs, bytes);
        self.other_event();
        self.raise_high();
    }

    /// The most live bytes since the last reset, and the blocks at that moment.
    pub(crate) fn peak(&self, epochs: &Epochs) -> Held {
        self.peaks.peak(&self.account, epochs)
    }

    /// The most live bytes since the innermost stage began, or since a reset after that.
    pub(crate) fn stage_peak(&self, epochs: &Epochs) -> Held {
        self.peaks.stage_peak(&self.account, epochs)
    }

    /// The peak becomes the current live bytes: the calling thread's own `reset_thread_peak`.
    pub(crate) fn reset_peak(&self, epochs: &Epochs) {
        self.peaks.reset(&self.account, epochs);
    }

    /// A scope of the calling thread begins, with a peak of its own. Returns the outer scope's peak, for its end.
    pub(crate) fn begin_scope(&self, epochs: &Epochs) -> Held {
        self.peaks.begin_scope(&self.account, epochs)
    }

    /// The calling thread's innermost scope ends. Returns its peak.
    pub(crate) fn end_scope(&self, epochs: &Epochs, outer: Held) -> Held {
        self.peaks.end_scope(&self.account, epochs, outer)
    }

    /// A thread has its first event in this slot, which has that number.
    pub(super) fn begin(&self, number: u16, os_id: u64) {
        self.account.set_label(number.into(), 0);
        self.os_id.set(os_id);
        self.count.fetch_add(1, Relaxed);
    }

    /// Takes the slot of an exited thread for another one. False when it runs, or another thread has taken it.
    pub(super) fn take_over(&self) -> bool {
        self.state.compare_exchange(EXITED, RUNNING, AcqRel, Relaxed).is_ok()
    }

    /// In a forked child: the thread is one of the parent.
    #[cfg(feature = "std")]
    pub(super) fn inherit(&self) {
        self.share.leave();
        self.state.store(INHERITED, Release);
    }

    /// The thread ends. Its figures stay; another thread of its name may continue its slot.
    pub(crate) fn exit(&self, name: [u8; THREAD_NAME]) {
        self.set_name(name);
        self.state.store(EXITED, Release);
    }

    pub(crate) fn has_exited(&self) -> bool {
        self.state.load(Acquire) != RUNNING
    }

    /// Its state, for a dump.
    pub(crate) fn state(&self) -> ThreadState {
        SlotState::from_word(self.state.load(Acquire)).into()
    }

    /// How many threads used this slot.
    pub(crate) fn count(&self) -> u32 {
        self.count.load(Relaxed)
    }

    /// Its number, once a thread has it.
    #[inline(always)]
    pub(crate) fn number(&self) -> u32 {
        self.account.label()
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

#[cfg(all(test, feature = "std", not(models)))]
mod tests {
    use super::*;

    #[test]
    fn a_block_is_temporary_when_its_free_is_the_next_event() {
        let (slot, epochs) = (ThreadSlot::default(), Epochs::default());
        let alloc = |block| slot.alloc(block, 8, &epochs, epochs.epoch(), Booker::Owner);
        let free = |block| slot.free(block, 8, &epochs, epochs.epoch());
        alloc(0x10);
        alloc(0x20);
        assert_eq!([free(0x20), free(0x10)], [true, false]);
        alloc(0x30);
        slot.other_event();
        assert!(!free(0x30));
        slot.add(0x40, 8);
        slot.add(0x50, 8);
        assert_eq!([slot.subtract(0x50, 8), slot.subtract(0x40, 8)], [true, false]);
    }

    #[test]
    fn a_thread_resets_its_own_peak() {
        let (slot, epochs) = (ThreadSlot::default(), Epochs::default());
        let peaks = || [slot.peak(&epochs), slot.stage_peak(&epochs)].map(|held| (held.bytes, held.blocks));
        slot.alloc(0x10, 100, &epochs, epochs.epoch(), Booker::Owner);
        slot.alloc(0x20, 50, &epochs, epochs.epoch(), Booker::Owner);
        slot.free(0x20, 50, &epochs, epochs.epoch());
        assert_eq!(peaks(), [(150, 2), (150, 2)]);
        slot.reset_peak(&epochs);
        assert_eq!(peaks(), [(100, 1), (150, 2)]);
        assert!(!slot.is_high());
        slot.add(0x30, 60);
        assert!(slot.is_high());
        slot.raise_high();
        assert_eq!((peaks(), slot.is_high()), ([(160, 2), (160, 2)], false));
        let outer = slot.begin_scope(&epochs);
        slot.free_remote(60, &epochs, epochs.epoch());
        slot.alloc(0x40, 10, &epochs, epochs.epoch(), Booker::Owner);
        assert_eq!(slot.end_scope(&epochs, outer).bytes, 160);
    }

    #[test]
    fn an_abandoned_event_is_repaired() {
        let (slot, cell, epochs) = (ThreadSlot::default(), Account::default(), Epochs::default());
        slot.alloc(0x10, 100, &epochs, epochs.epoch(), Booker::Owner);
        [100, 300].into_iter().for_each(|size| cell.alloc(size, epochs.epoch(), Booker::Owner));
        slot.repair([&cell].into_iter());
        assert_eq!((slot.account.live().bytes, slot.peak(&epochs).bytes), (400, 400));
        // Sizes of 64 to 127 bytes are class 7, and those of 256 to 511 are class 9.
        assert_eq!(slot.sizes.iter().collect::<std::vec::Vec<_>>(), [(7, 1, 100), (9, 1, 300)]);
        assert!(!slot.subtract(0x10, 100), "the block is not temporary");
        slot.repair([&cell].into_iter());
        assert_eq!(slot.sizes.iter().count(), 2, "nothing is missing any more");
    }
}
