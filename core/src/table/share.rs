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
    /// Takes `n` bytes if that much is there.
    #[inline]
    pub(super) fn take(&self, n: usize, room: &Room) -> bool {
        self.alone(room, |bytes| bytes.checked_sub(n)).unwrap_or_else(|| {
            let mut bytes = self.bytes.load(Relaxed);
            while let Some(rest) = bytes.checked_sub(n) {
                match self.bytes.compare_exchange_weak(bytes, rest, AcqRel, Relaxed) {
                    Ok(_) => return true,
                    Err(now) => bytes = now,
                }
            }
            false
        })
    }

    /// Changes the share by plain loads and stores: whether `change` could. `None` when others may take it.
    #[inline]
    pub(super) fn alone(&self, room: &Room, change: impl FnOnce(usize) -> Option<usize>) -> Option<bool> {
        if !room.is_alone() {
            return None;
        }
        self.inside.store(1, Relaxed);
        // The processor's order is made by whoever opens the room; the compiler's is made here.
        light_barrier();
        let done = room.is_alone().then(|| {
            let changed = change(self.bytes.load(Relaxed));
            changed.inspect(|bytes| self.bytes.store(*bytes, Relaxed)).is_some()
        });
        light_barrier();
        self.inside.store(0, Release);
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

    pub(super) fn bytes(&self) -> usize {
        self.bytes.load(Relaxed)
    }
}
