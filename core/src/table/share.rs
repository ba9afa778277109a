//! A thread's share of the [head-room](super::room).

use super::room::Room;
use crate::sync::*;

/// A thread's share. Only the thread adds to it; others may take all of it.
#[repr(C)]
#[derive(Default)]
pub(crate) struct Share {
    pub(super) bytes: AtomicUsize,
    /// The thread is in the middle of changing its share by plain loads and stores.
    pub(super) inside: AtomicU32,
}

impl Share {
    /// The thread is about to look whether it may change its share by plain loads and stores, and perhaps to do so. Who
    /// opens the room waits until it has left.
    #[inline(always)]
    pub(crate) fn enter(&self) {
        self.inside.store(1, Relaxed);
        // The processor's order is made by whoever opens the room; the compiler's is made here.
        light_barrier();
    }

    #[inline(always)]
    pub(crate) fn leave(&self) {
        light_barrier();
        self.inside.store(0, Release);
    }

    /// Takes `n` bytes if that much is there, of a thread that has [entered](Self::enter).
    #[inline(always)]
    pub(crate) fn take_inside(&self, n: usize, room: &Room) -> bool {
        if !room.is_alone() {
            return self.take_shared(n);
        }
        let rest = self.bytes.load(Relaxed).checked_sub(n);
        rest.inspect(|rest| self.bytes.store(*rest, Relaxed)).is_some()
    }

    /// Adds `n` bytes, of a thread that has [entered](Self::enter).
    #[inline(always)]
    pub(crate) fn give_inside(&self, n: usize, room: &Room) {
        if room.is_alone() {
            self.bytes.store(self.bytes.load(Relaxed).wrapping_add(n), Relaxed);
        } else {
            room.give_shared(n, self);
        }
    }

    /// Takes `n` bytes if that much is there.
    #[inline]
    pub(super) fn take(&self, n: usize, room: &Room) -> bool {
        self.alone(room, |bytes| bytes.checked_sub(n)).unwrap_or_else(|| self.take_shared(n))
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

    /// Changes the share by plain loads and stores: whether `change` could. `None` when others may take it.
    #[inline]
    pub(super) fn alone(&self, room: &Room, change: impl FnOnce(usize) -> Option<usize>) -> Option<bool> {
        if !room.is_alone() {
            return None;
        }
        self.enter();
        let done = room.is_alone().then(|| {
            let changed = change(self.bytes.load(Relaxed));
            changed.inspect(|bytes| self.bytes.store(*bytes, Relaxed)).is_some()
        });
        self.leave();
        done
    }

    /// Takes all of it.
    pub(super) fn take_all(&self, room: &Room) -> usize {
        let mut all = 0;
        let alone = self.alone(room, |bytes| {
            all = bytes;
            Some(0)
        });
        if alone.is_some() { all } else { self.bytes.swap(0, SeqCst) }
    }

    #[inline(always)]
    pub(super) fn bytes(&self) -> usize {
        self.bytes.load(Relaxed)
    }
}
