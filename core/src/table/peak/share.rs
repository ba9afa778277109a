//! A thread's share of the [credit](super::credit), and the word that says whether the thread is inside the hook.
//!
//! Only the thread adds to its share. Other threads may take all of it, so the thread uses atomic operations; while it is
//! the only thread with events, it uses plain loads and stores. [`Credit`](super::credit::Credit) knows which.

use crate::sync::*;

/// A thread's share. All-zero is a thread without credit, outside the hook.
#[repr(C)]
#[derive(Default)]
pub(crate) struct Share {
    pub(super) bytes: AtomicUsize,
    /// The stack pointer with which the thread entered the hook; 0 while it is outside. Inside, the thread may be in the
    /// middle of a plain change of its share.
    pub(super) inside: AtomicUsize,
}

/// The shares of all threads.
pub(crate) trait Shares<'t>: Copy {
    /// The share of each slot in use.
    fn shares(self) -> impl Iterator<Item = &'t Share>;

    /// How many threads have a slot of their own.
    fn count(self) -> u32;

    /// The bytes of all shares, as far as one look at each can say.
    fn bytes(self) -> usize {
        self.shares().map(Share::bytes).fold(0, usize::wrapping_add)
    }
}

impl Share {
    /// Where the fields lie, in their order.
    pub(in crate::table) const OFFSETS: [usize; 2] =
        [core::mem::offset_of!(Self, bytes), core::mem::offset_of!(Self, inside)];

    /// The thread enters the hook with this stack pointer. False when it is inside already: this is a signal handler or an
    /// interrupt. A second thread waits until this one has left.
    #[inline(always)]
    pub(crate) fn enter(&self, sp: usize) -> bool {
        if self.inside.load(Relaxed) != 0 {
            return false;
        }
        self.enter_again(sp);
        true
    }

    /// The thread is inside from now on, wherever it was before.
    #[inline(always)]
    pub(crate) fn enter_again(&self, sp: usize) {
        self.inside.store(sp, Relaxed);
        // A second thread makes the processor's barrier, so the compiler's is enough here. It also keeps the hook's own
        // changes inside the guarded part: a signal handler on this thread sees them in the program's order.
        light_barrier();
    }

    /// The thread leaves the hook.
    #[inline(always)]
    pub(crate) fn leave(&self) {
        light_barrier();
        self.inside.store(0, Release);
    }

    /// Whether the thread is inside the hook.
    pub(crate) fn is_inside(&self) -> bool {
        self.entered_at() != 0
    }

    /// The stack pointer with which the thread entered the hook; 0 while it is outside.
    pub(crate) fn entered_at(&self) -> usize {
        self.inside.load(Relaxed)
    }

    /// Takes `n` bytes if the share has that many. For the thread itself, inside the hook, while it is alone.
    #[inline(always)]
    pub(super) fn take_alone(&self, n: usize) -> bool {
        let rest = self.bytes.load(Relaxed).checked_sub(n);
        rest.inspect(|rest| self.bytes.store(*rest, Relaxed)).is_some()
    }

    /// Takes `n` bytes if the share has that many. For the thread itself.
    #[inline]
    pub(super) fn take_shared(&self, n: usize) -> bool {
        let mut bytes = self.bytes.load(Relaxed);
        while let Some(rest) = bytes.checked_sub(n) {
            match self.bytes.compare_exchange_weak(bytes, rest, AcqRel, Relaxed) {
                Ok(_) => return true,
                Err(now) => bytes = now,
            }
        }
        false
    }

    /// Takes all bytes. For the thread itself, inside the hook, while it is alone.
    pub(super) fn take_all_alone(&self) -> usize {
        let all = self.bytes.load(Relaxed);
        self.bytes.store(0, Relaxed);
        all
    }

    /// Takes all bytes. For any thread.
    pub(super) fn take_all_shared(&self) -> usize {
        self.bytes.swap(0, SeqCst)
    }

    /// Adds `n` bytes. For the thread itself, inside the hook, while it is alone.
    #[inline(always)]
    pub(super) fn add_alone(&self, n: usize) {
        self.bytes.store(self.bytes.load(Relaxed).wrapping_add(n), Relaxed);
    }

    #[inline(always)]
    pub(super) fn bytes(&self) -> usize {
        self.bytes.load(Relaxed)
    }
}
