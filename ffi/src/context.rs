//! Contexts: the tasks of a kernel, or the cores of a processor, as the tracker knows them.

#![allow(non_camel_case_types, reason = "names as C knows them")]

use crate::result::memtrack_result_t;
use core::ffi::{c_char, c_void};

/// Words of a context. The header defines `MEMTRACK_CONTEXT_SIZE`, the bytes that they take, as well.
pub const MEMTRACK_CONTEXT_WORDS: usize = 16;

/// What memtrack keeps of a task, or of whatever else runs at the same time as other code: a core, for example. Keep it in
/// the task's control block or in a static. Only memtrack reads and writes it.
#[repr(C)]
pub struct memtrack_context_t {
    /// Not for you.
    pub opaque: [usize; MEMTRACK_CONTEXT_WORDS],
}

/// Bare metal: a task is made. Call this before the task runs. The tracker counts the task's events under `name`, of which
/// the first 16 bytes are copied, and walks its stack from `stack_low`, the lowest address, to `stack_high`, the address
/// past the highest. All of it must be readable while the task lives. If an event comes with another stack pointer, it is
/// counted without a stack, as a loss. Both may be NULL: then no stacks are captured. A context that was not deleted is
/// deleted first. Allocates nothing. Safe in interrupts.
///
/// `MEMTRACK_ERROR_NULL` if `context` or `name` is NULL, `MEMTRACK_ERROR_BOUNDS` if `stack_low` is not below `stack_high`:
/// then the context was made, and no stacks are captured. `MEMTRACK_ERROR_UNSUPPORTED` on hosts.
///
/// # Safety
/// `context` must be NULL or the caller's to write until it is deleted, at a multiple of the size of a pointer; `name` must
/// be NULL or a string.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn memtrack_context_create(
    context: *mut memtrack_context_t,
    name: *const c_char,
    stack_low: *const c_void,
    stack_high: *const c_void,
) -> memtrack_result_t {
    // SAFETY: the caller upholds it.
    unsafe { imp::create(context, name, (stack_low as usize, stack_high as usize)) }
}

/// Bare metal: a task has ended, or will never run again. Its figures and its blocks stay, and a later task of its name may
/// continue its figures. If the task does have another event, the event is counted as a loss. Allocates nothing.
///
/// `MEMTRACK_ERROR_NULL` if `context` is NULL, `MEMTRACK_ERROR_NONE` if it was never made, or is deleted already.
/// `MEMTRACK_ERROR_UNSUPPORTED` on hosts.
///
/// # Safety
/// `context` must be NULL or point to a context, whose memory may be used for something else afterwards.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn memtrack_context_delete(context: *mut memtrack_context_t) -> memtrack_result_t {
    // SAFETY: the caller upholds it.
    unsafe { imp::delete(context) }
}

#[cfg(hosted)]
mod imp {
    use super::memtrack_context_t;
    use crate::result::{MEMTRACK_ERROR_UNSUPPORTED, memtrack_result_t};
    use core::ffi::c_char;

    pub(super) unsafe fn create(
        _: *mut memtrack_context_t,
        _: *const c_char,
        _: (usize, usize),
    ) -> memtrack_result_t {
        MEMTRACK_ERROR_UNSUPPORTED
    }

    pub(super) unsafe fn delete(_: *mut memtrack_context_t) -> memtrack_result_t {
        MEMTRACK_ERROR_UNSUPPORTED
    }
}

#[cfg(not(hosted))]
pub(crate) use imp::Context;

#[cfg(not(hosted))]
mod imp {
    use super::memtrack_context_t;
    use crate::result::{
        MEMTRACK_ERROR_BOUNDS, MEMTRACK_ERROR_NONE, MEMTRACK_ERROR_NULL, MEMTRACK_OK, memtrack_result_t,
    };
    use crate::text::text;
    use crate::tracker::TRACKER;
    use core::ffi::c_char;
    use core::sync::atomic::{AtomicUsize, Ordering::Relaxed};
    use memtrack_core::Local;

    /// The contents of a context.
    #[repr(C)]
    pub(crate) struct Context {
        /// The address of the context and [`MADE`] while it is made. So neither zeroed nor foreign memory, nor a copy of a
        /// context, reads as one.
        mark: AtomicUsize,
        name: [u8; 16],
        local: Local,
    }

    const MADE: usize = 0x6d74_6b63;
    const _: () = assert!(
        size_of::<Context>() <= size_of::<memtrack_context_t>()
            && align_of::<Context>() <= align_of::<memtrack_context_t>(),
        "C's context has room for all of it"
    );

    impl Context {
        fn mark_of(context: *const Context) -> usize {
            context as usize ^ MADE
        }

        /// The words of the context; `None` when it is not made, or is deleted.
        pub(crate) fn local(&self) -> Option<&Local> {
            (self.mark.load(Relaxed) == Self::mark_of(self)).then_some(&self.local)
        }

        /// Its name; zeros when it is not made, or is deleted.
        pub(crate) fn name(&self) -> &[u8; 16] {
            self.local().map_or(&[0; 16], |_| &self.name)
        }

        /// Ends the context. False when there is none.
        fn end(&self) -> bool {
            let Some(local) = self.local() else { return false };
            // SAFETY: `create` copied whole characters, and filled the rest with zeros, which are characters too.
            let name = unsafe { core::str::from_utf8_unchecked(&self.name) };
            TRACKER.thread_ended(local, name);
            self.mark.store(0, Relaxed);
            true
        }
    }

    pub(super) unsafe fn create(
        context: *mut memtrack_context_t,
        name: *const c_char,
        (low, high): (usize, usize),
    ) -> memtrack_result_t {
        // SAFETY: the caller guarantees that it is NULL or a string.
        let Ok(name) = (unsafe { text(name) }) else { return MEMTRACK_ERROR_NULL };
        if context.is_null() {
            return MEMTRACK_ERROR_NULL;
        }
        let context: *mut Context = context.cast();
        // SAFETY: it is not null, and the caller's; any bytes are a context, because all its fields are integers and a pointer
        // that only a marked context uses.
        unsafe { (*context).end() };
        let mut padded = [0; 16];
        let mut end = name.len().min(padded.len());
        while !name.is_char_boundary(end) {
            end -= 1;
        }
        padded.iter_mut().zip(&name.as_bytes()[..end]).for_each(|(to, byte)| *to = *byte);
        let local = Local::new();
        let is_stack = low < high;
        if is_stack {
            local.set_stack(low, high);
        }
        // SAFETY: it is not null, the caller's, aligned for words, and as large as the assertion above says. Its task does not
        // run yet.
        unsafe {
            context.write(Context { mark: AtomicUsize::new(Context::mark_of(context)), name: padded, local })
        };
        if is_stack || low == 0 && high == 0 { MEMTRACK_OK } else { MEMTRACK_ERROR_BOUNDS }
    }

    pub(super) unsafe fn delete(context: *mut memtrack_context_t) -> memtrack_result_t {
        // SAFETY: the caller guarantees that it is null or a context, of whatever state.
        match unsafe { context.cast::<Context>().as_ref() } {
            None => MEMTRACK_ERROR_NULL,
            Some(context) if context.end() => MEMTRACK_OK,
            Some(_) => MEMTRACK_ERROR_NONE,
        }
    }
}
