//! The words that trackers keep for each thread of a process: [`Local`], in memory of the thread's own.
//!
//! - **Number**: a tracker's thread words number, which the [registry](super::registry) gives.

use crate::limits::MAX_TRACKERS;
use crate::os::memory;
use crate::os::thread_memory::thread_memory;
use crate::platform::Local;
use crate::sync::*;

thread_memory! {
    /// The words of all trackers. The tracker uses them only while it runs on their thread. Interrupting handlers may use
    /// them too: a `Local` is made of atomics.
    fn locals() -> [Local; MAX_TRACKERS] = [const { Local::new() }; MAX_TRACKERS]
}

/// Returns the words of the running thread for a tracker.
#[inline]
pub(crate) fn local(number: usize) -> Option<&'static Local> {
    locals()?.get(number)
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
