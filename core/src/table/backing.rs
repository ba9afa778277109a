//! The memory behind a region that a recording has laid over a file: it needs room in the file before its first use.
//!
//! A page of the file has no block on the disk until a thread writes it. When the disk is full, that first write ends the
//! program by a signal. So tables announce each entry before they write it for the first time. The recording makes room or
//! ends; where it cannot end, the entry is not used.

#[cfg(feature = "std")]
use crate::sync::*;

/// Makes room for that many bytes from that address on. False when they must not be used.
#[cfg(feature = "std")]
pub(crate) type MakeRoom = fn(usize, usize) -> bool;

/// The [`MakeRoom`] of recordings; null before the first one.
#[cfg(feature = "std")]
static MAKE_ROOM: AtomicPtr<()> = AtomicPtr::new(core::ptr::null_mut());

/// From now on `make_room` is called before the first use of anything in a table.
#[cfg(feature = "std")]
pub(crate) fn announce_to(make_room: MakeRoom) {
    MAKE_ROOM.store(make_room as *mut (), Release);
}

/// Announces that `entry` is about to be written for the first time. False when it must not be used.
#[inline]
pub(super) fn prepare<T>(entry: &T) -> bool {
    #[cfg(feature = "std")]
    {
        let make_room = MAKE_ROOM.load(Relaxed);
        make_room.is_null() || announce(make_room, core::ptr::from_ref(entry).addr(), size_of::<T>())
    }
    #[cfg(not(feature = "std"))]
    {
        let _ = entry;
        true
    }
}

#[cfg(feature = "std")]
#[cold]
fn announce(make_room: *mut (), start: usize, len: usize) -> bool {
    // SAFETY: the word is not null, so `announce_to` has stored it.
    let make_room = unsafe { core::mem::transmute::<*mut (), MakeRoom>(make_room) };
    make_room(start, len)
}
