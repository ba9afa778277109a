//! A thread's share of the [head-room](super::credit).

use super::credit::Room;
use crate::sync::*;

/// A thread's share. Only the thread adds to it; others may take all of it.
#[repr(C)]
#[derive(Default)]
pub(crate) struct Share {
    pub(super) bytes: AtomicUsize,
    /// The stack pointer with which the thread entered the hook, 0 while it is outside. Inside, it may be in the middle of
    /// changing its share by plain loads and stores.
    pub(super) inside: AtomicUsize,
}

impl Share {
    /// The thread enters the hook with this stack pointer, unless it is inside: then a signal handler or an interrupt has
    /// come. Who opens the room waits until it has left.
    #[inline(always)]
    pub(crate) fn enter(&self, sp: usize) -> bool {
        if self.inside.load(Relaxed) != 0 {
            return false;
        }
        self.enter_again(sp);
        true
    }

    /// The thread is inside from now on, whatever it was.
    #[inline(always)]
    pub(crate) fn enter_again(&self, sp: usize) {
        self.inside.store(sp, Relaxed);
        // The processor's order is made by whoever opens the room; the compiler's is made here. And nothing of the hook
        // may move out of the guarded stretch: a signal handler on this thread sees the program's order.
        light_barrier();
    }

    /// It leaves the hook.
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

    /// The thread, which is inside the hook, takes `n` bytes if that much is there.
    #[inline(always)]
    pub(crate) fn take(&self, n: usize, room: &Room) -> bool {
        if !room.is_alone() {
            return self.take_shared(n);
        }
        let rest = self.bytes.load(Relaxed).checked_sub(n);
        rest.inspect(|rest| self.bytes.store(*rest, Relaxed)).is_some()
    }

    #[inline]
    fn take_shared(&self, n: usize) -> bool {
        let mut bytes = self.bytes.load(Relaxed);
        while let Some(rest) = bytes.checked_sub(n) {
            match self.bytes.compare_exchange_weak(bytes, rest, AcqRel, Relaxed) {
                Ok(_) => return true,
                Err(now) => bytes = now,
            }
        }
        false
    }

    /// The thread, which is inside the hook, adds `n` bytes.
    #[inline(always)]
    pub(crate) fn give(&self, n: usize, room: &Room) {
        if room.is_alone() {
            self.bytes.store(self.bytes.load(Relaxed).wrapping_add(n), Relaxed);
        } else {
            room.give_shared(n, self);
        }
    }

    /// The thread, which is inside the hook, takes all of it.
    pub(super) fn take_all(&self, room: &Room) -> usize {
        if !room.is_alone() {
            return self.bytes.swap(0, SeqCst);
        }
        let all = self.bytes.load(Relaxed);
        self.bytes.store(0, Relaxed);
        all
    }

    #[inline(always)]
    pub(super) fn bytes(&self) -> usize {
        self.bytes.load(Relaxed)
    }
}
