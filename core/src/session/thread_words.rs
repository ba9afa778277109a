//! The words that trackers keep for each thread.

use super::registry::MAX_TRACKERS;
use crate::os::memory;
use crate::platform::Local;
use crate::sync::*;

thread_local! {
    // Constant and without destructor: reading it never allocates and never fails.
    static LOCALS: [Local; MAX_TRACKERS] = const { [const { Local::new() }; MAX_TRACKERS] };
}

/// The words of the running thread for a tracker.
#[inline]
pub(crate) fn local(tracker: usize) -> Option<&'static Local> {
    LOCALS
        .try_with(|locals| {
            // SAFETY: the words live as long as the thread; only this thread gets the reference, and a `Local` is
            // made of atomics. The tracker uses it only while it runs on this thread.
            (tracker < MAX_TRACKERS).then(|| unsafe { &*core::ptr::from_ref(&locals[tracker]) })
        })
        .ok()
        .flatten()
}

/// The number of the calling thread's slot, when it has one.
pub(crate) fn slot(tracker: usize) -> Option<u16> {
    let state = local(tracker)?.state.load(Relaxed) & !Local::BUSY;
    (state != 0 && state != Local::GONE).then(|| (state - 1) as u16)
}

/// In a forked child: the calling thread's slot is the parent's. With its next event it begins like a new one.
pub(crate) fn forked(tracker: usize) {
    let Some(local) = local(tracker) else { return };
    let state = local.state.load(Relaxed);
    if state & Local::BUSY != 0 || state == Local::GONE {
        // It takes its slot just now, shares one with others, or has ended.
        return;
    }
    let memory = local.memory.swap(core::ptr::null_mut(), Relaxed);
    // A signal's handler forks, perhaps, in the middle of the hook, which goes on with that memory.
    if !local.slot().is_some_and(|slot| slot.share.is_inside()) {
        // SAFETY: the memory came from `memory::for_unwinder`, and the thread goes on without it.
        unsafe { memory::unmap_for_unwinder(memory) };
    }
    local.slot.store(core::ptr::null_mut(), Relaxed);
    local.last_cell.store(0, Relaxed);
    local.state.store(0, Relaxed);
}

/// The running thread ends: the number of its slot for a tracker, when it has one.
pub(super) fn end(tracker: usize) -> Option<u16> {
    let local = local(tracker)?;
    let slot = local.end()?;
    // SAFETY: the memory came from `memory::for_unwinder`, and the thread has ended for the tracker.
    unsafe { memory::unmap_for_unwinder(local.memory.swap(core::ptr::null_mut(), Relaxed)) };
    Some(slot)
}
