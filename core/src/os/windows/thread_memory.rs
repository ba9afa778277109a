//! Memory of each thread's own.
//!
//! The problem: `thread_local!` allocates at a thread's first access where the linker supports no thread-local statics, as
//! with MinGW, and the first access is inside the allocator.
//!
//! The idea: the system has slots for a word of each thread. One slot has the address of pages that the thread's first
//! access maps.

use super::errno::keep_errno;
use super::system::{
    MEM_COMMIT, MEM_RELEASE, MEM_RESERVE, PAGE_READWRITE, TLS_OUT_OF_INDEXES, TlsAlloc, TlsFree, TlsGetValue,
    TlsSetValue, VirtualAlloc, VirtualFree,
};
use super::teb;
use crate::sync::*;
use core::ptr::{null_mut, with_exposed_provenance, with_exposed_provenance_mut, without_provenance_mut};

/// One more than the index of the slot; 0 before it exists.
static SLOT: AtomicU32 = AtomicU32::new(0);
/// The word of a thread that has ended. A thread without memory has 0.
const ENDED: usize = 1;

/// Declares a function that returns memory of the running thread's own: `$initial` at first, at the same place as long as
/// the thread runs, and `None` where the thread has none: when the system has no memory, and at the thread's very end.
/// `$initial` is a constant, and the type has no destructor: so the first access neither allocates nor fails. A program
/// declares one such function.
macro_rules! thread_memory {
    ($(#[$attribute:meta])* fn $name:ident() -> $type:ty = $initial:expr) => {
        $(#[$attribute])*
        #[inline(always)]
        fn $name() -> Option<&'static $type> {
            // SAFETY: this is the only function that uses the slot, so the type is always the same.
            unsafe { crate::os::thread_memory::get::<$type>(|| const { $initial }) }
        }
    };
}
pub(crate) use thread_memory;

/// The word of the running thread.
#[inline(always)]
fn word() -> usize {
    match SLOT.load(Relaxed) {
        0 => 0,
        slot if slot <= teb::SLOTS_INSIDE => teb::slot(slot - 1),
        slot => word_outside(slot - 1),
    }
}

/// The word in a slot that the thread environment block has no room for.
#[cold]
fn word_outside(index: u32) -> usize {
    // SAFETY: the slot exists. A call that succeeds clears the error number.
    keep_errno(|| unsafe { TlsGetValue(index) }.expose_provenance())
}

/// The memory of the running thread.
///
/// # Safety
/// All calls must have the same type.
#[inline(always)]
pub(crate) unsafe fn get<T: Sync + 'static>(initial: impl FnOnce() -> T) -> Option<&'static T> {
    const { assert!(!core::mem::needs_drop::<T>(), "nobody drops it") };
    let word = word();
    let memory: *const T = if word > ENDED { with_exposed_provenance(word) } else { make(word, initial)? };
    // SAFETY: `make` has mapped the memory for this thread and has written a value of the only type. `release` unmaps it
    // when all code of the thread has run.
    Some(unsafe { &*memory })
}

#[cold]
#[inline(never)]
fn make<T>(word: usize, initial: impl FnOnce() -> T) -> Option<*const T> {
    if word == ENDED {
        return None;
    }
    // SAFETY: the calls take numbers, and the slot exists. The pages are new, aligned, and as large as the value.
    keep_errno(|| unsafe {
        let index = slot()?;
        let memory =
            VirtualAlloc(null_mut(), size_of::<T>(), MEM_RESERVE | MEM_COMMIT, PAGE_READWRITE).cast::<T>();
        if memory.is_null() {
            return None;
        }
        memory.write(initial());
        if TlsSetValue(index, memory.cast()) == 0 {
            VirtualFree(memory.cast(), 0, MEM_RELEASE);
            return None;
        }
        memory.expose_provenance();
        Some(memory.cast_const())
    })
}

/// The index of the slot, which the first call takes.
fn slot() -> Option<u32> {
    if let Some(index) = SLOT.load(Acquire).checked_sub(1) {
        return Some(index);
    }
    // SAFETY: the calls take and return numbers. Nobody else knows a slot that was just taken.
    unsafe {
        let index = TlsAlloc();
        if index == TLS_OUT_OF_INDEXES {
            return None;
        }
        match SLOT.compare_exchange(0, index + 1, AcqRel, Acquire) {
            Ok(_) => Some(index),
            Err(theirs) => {
                TlsFree(index);
                Some(theirs - 1)
            }
        }
    }
}

/// Whether the running thread has memory.
pub(super) fn is_there() -> bool {
    word() > ENDED
}

/// Unmaps the memory of the running thread, which gets no other. At the thread's end.
pub(super) fn release() {
    let word = word();
    if let Some(index) = SLOT.load(Relaxed).checked_sub(1)
        && word > ENDED
    {
        // SAFETY: `make` has mapped the memory, and this thread does not use it any more.
        keep_errno(|| unsafe {
            TlsSetValue(index, without_provenance_mut(ENDED));
            VirtualFree(with_exposed_provenance_mut(word), 0, MEM_RELEASE);
        });
    }
}
