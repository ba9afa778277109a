//! The words that trackers keep for each thread of a process: [`Local`], in thread-local storage.
//!
//! - **Number**: a tracker's thread words number, which the [registry](super::registry) gives.

use crate::limits::MAX_TRACKERS;
use crate::os::memory;
use crate::platform::Local;
use crate::sync::*;

thread_local! {
    // The initial value is constant, and there is no destructor: so an access neither allocates nor fails.
    static LOCALS: [Local; MAX_TRACKERS] = const { [const { Local::new() }; MAX_TRACKERS] };
}

/// Returns the words of the running thread for a tracker.
#[inline]
pub(crate) fn local(number: usize) -> Option<&'static Local> {
    LOCALS
        .try_with(|locals| {
            // SAFETY: the words live as long as the thread. Only this thread gets the reference, and the tracker uses it
            // only while it runs on this thread. Interrupting handlers may use it too: a `Local` is made of atomics.
            (number < MAX_TRACKERS).then(|| unsafe { &*core::ptr::from_ref(&locals[number]) })
        })
        .ok()
        .flatten()
}

/// Returns the slot of the running thread; `None` when it has none.
pub(crate) fn slot(number: usize) -> Option<u16> {
    let state = local(number)?.state.load(Relaxed) & !Local::BUSY;
    (state != 0 && state != Local::GONE).then(|| (state - 1) as u16)
}

/// In a forked child: the running thread gives up its slot, which is the parent's. At its next event it claims another one.
pub(crate) fn forked(number: usize) {
    let Some(local) = local(number) else { return };
    let state = local.state.load(Relaxed);
    if state & Local::BUSY != 0 || state == Local::GONE {
        // The thread is claiming its slot, is inside the hook with a shared slot, or has ended.
        return;
    }
    let memory = local.memory.swap(core::ptr::null_mut(), Relaxed);
    // A signal handler may have forked in the middle of the hook, which then continues with this memory.
    if !local.slot().is_some_and(|slot| slot.share.is_inside()) {
        // SAFETY: the memory came from `memory::for_unwinder`. The words do not refer to it any more, and the thread is
        // outside the hook, so no unwinder uses it.
        unsafe { memory::unmap_for_unwinder(memory) };
    }
    local.slot.store(core::ptr::null_mut(), Relaxed);
    local.last_cell.store(0, Relaxed);
    local.state.store(0, Relaxed);
}

/// Marks the running thread as ended. Returns the slot that it had.
pub(super) fn end(number: usize) -> Option<u16> {
    let local = local(number)?;
    let slot = local.end()?;
    // SAFETY: the memory came from `memory::for_unwinder`, or is null. The words do not refer to it any more, and
    // `Local::end` has returned a slot: the thread is outside the hook, so no unwinder uses it.
    unsafe { memory::unmap_for_unwinder(local.memory.swap(core::ptr::null_mut(), Relaxed)) };
    Some(slot)
}
