//! Bare metal: the platform, by which a kernel tells which task runs.
//!
//! A firmware without tasks sets no platform: it has one context, as `SingleCore` says, and its events pay for nothing more.

#![allow(non_camel_case_types, reason = "names as C knows them")]

use crate::context::memtrack_context_t;
use crate::result::{MEMTRACK_ERROR_NULL, memtrack_result_t};
use crate::sized;
use core::ffi::c_void;

/// What a kernel tells the tracker: which task runs, and how to keep others away.
///
/// Set `size` to `sizeof(memtrack_platform_t)`: later versions append members.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct memtrack_platform_t {
    /// `sizeof(memtrack_platform_t)`, set by the caller.
    pub size: usize,
    /// Passed to the functions.
    pub context: *mut c_void,
    /// Returns the context of the running task, which `memtrack_context_create` has made. An interrupt belongs to the task
    /// that it interrupts. NULL while no task runs: before the kernel starts, such an event belongs to `main`. It is called
    /// at every event, in interrupts too; it must neither allocate nor wait. May be NULL: then everything is `main`.
    pub current: Option<unsafe extern "C" fn(context: *mut c_void) -> *mut memtrack_context_t>,
    /// Keeps all other code that allocates from running, until `unlock` gets the result: the scheduler suspended, or
    /// interrupts turned off. Calls nest. memtrack calls it around every allocation and free of the `memtrack_malloc`
    /// family. May be NULL, with `unlock`: the tracker itself needs no lock. It is for an allocator that tasks must not
    /// enter at the same time, and for kernels in which a task deletes others at any moment.
    pub lock: Option<unsafe extern "C" fn(context: *mut c_void) -> usize>,
    /// Ends `lock`.
    pub unlock: Option<unsafe extern "C" fn(context: *mut c_void, locked: usize)>,
}

// SAFETY: the functions may be called from anywhere, as the header says, and the context is only passed to them.
unsafe impl Send for memtrack_platform_t {}
// SAFETY: as above.
unsafe impl Sync for memtrack_platform_t {}

/// Bare metal: sets the platform, which is copied. Call it once in `main`, before the first block is allocated and before the
/// kernel starts: the tracker begins in this call, while nothing else runs.
///
/// `MEMTRACK_ERROR_NULL` if `platform` is NULL, or if one of `lock` and `unlock` is. `MEMTRACK_ERROR_SIZE` if its `size` was
/// not set, `MEMTRACK_ERROR_TOO_LATE` if blocks were allocated already or a platform is set, `MEMTRACK_ERROR_UNSUPPORTED`
/// on hosts.
///
/// # Safety
/// `platform` must be NULL or point to as many bytes as its `size` says; its functions must behave as the struct describes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn memtrack_set_platform(platform: *const memtrack_platform_t) -> memtrack_result_t {
    // SAFETY: the caller upholds it, and the struct begins with its size.
    let platform = match unsafe { sized::read(platform) } {
        Ok(platform) => platform,
        Err(error) => return error,
    };
    if platform.lock.is_some() != platform.unlock.is_some() {
        return MEMTRACK_ERROR_NULL;
    }
    imp::set(platform)
}

#[cfg(hosted)]
mod imp {
    use super::memtrack_platform_t;
    use crate::result::{MEMTRACK_ERROR_UNSUPPORTED, memtrack_result_t};

    pub(super) fn set(_: memtrack_platform_t) -> memtrack_result_t {
        MEMTRACK_ERROR_UNSUPPORTED
    }
}

#[cfg(not(hosted))]
mod imp {
    use super::memtrack_platform_t;
    use crate::allocator::{put_under_lock, under_lock};
    use crate::context::Context;
    use crate::kernel::{Kernel, main, set_kernel};
    use crate::result::{MEMTRACK_ERROR_TOO_LATE, code, memtrack_result_t};
    use crate::source::Source;
    use crate::tracker::TRACKER;
    use core::ffi::c_void;
    use memtrack_core::Local;

    static PLATFORM: spin::Once<memtrack_platform_t> = spin::Once::new();

    pub(super) fn set(platform: memtrack_platform_t) -> memtrack_result_t {
        if PLATFORM.is_completed() || !set_kernel(&KERNEL, platform.current.is_some()) {
            return MEMTRACK_ERROR_TOO_LATE;
        }
        let platform = PLATFORM.call_once(|| platform);
        if platform.lock.is_some() {
            put_under_lock(&LOCKED);
        }
        code(TRACKER.check())
    }

    static KERNEL: &'static dyn Kernel = &Platform;
    static LOCKED: &'static (dyn Source + Sync) = &Locked;

    /// The platform that is set.
    struct Platform;

    impl Kernel for Platform {
        fn local(&self) -> Option<&'static Local> {
            current().map_or_else(main, Context::local)
        }

        fn number(&self) -> Option<u64> {
            current().map(|context| core::ptr::from_ref(context) as u64)
        }

        fn name(&self, number: u64) -> [u8; 16] {
            let context = current().filter(|context| core::ptr::from_ref(*context) as u64 == number);
            context.map_or([0; 16], |context| *context.name())
        }

        fn started(&self) {
            if let Some(context) = current() {
                TRACKER.name_thread(core::ptr::from_ref(context) as u64, context.name());
            }
        }
    }

    /// The running task's context; `None` while none runs.
    fn current() -> Option<&'static Context> {
        let platform = PLATFORM.get()?;
        // SAFETY: the program promised, when it set the platform, that it may be called at any time, and that it returns null or
        // a context.
        unsafe { platform.current?(platform.context).cast::<Context>().as_ref() }
    }

    /// The program's allocator under the platform's lock.
    struct Locked;

    /// Runs `f` while the platform's lock is held.
    fn locked<T>(f: impl FnOnce() -> T) -> T {
        let Some(memtrack_platform_t { context, lock: Some(lock), unlock: Some(unlock), .. }) =
            PLATFORM.get()
        else {
            return f();
        };
        // SAFETY: the program promised, when it set the platform, that both may be called at any time, in this order.
        unsafe {
            let locked = lock(*context);
            let result = f();
            unlock(*context, locked);
            result
        }
    }

    // SAFETY: every block comes from the program's allocator, which upholds the contract.
    unsafe impl Source for Locked {
        unsafe fn allocate(&self, align: usize, size: usize, zeroed: bool) -> *mut c_void {
            match under_lock() {
                // SAFETY: the caller upholds the contract, here and below.
                Some(own) => locked(|| unsafe { own.allocate(align, size, zeroed) }),
                None => self.refuse(),
            }
        }

        unsafe fn resize(&self, block: *mut c_void, size: usize) -> *mut c_void {
            match under_lock() {
                // SAFETY: as above.
                Some(own) => locked(|| unsafe { own.resize(block, size) }),
                None => self.refuse(),
            }
        }

        unsafe fn release(&self, block: *mut c_void) {
            if let Some(own) = under_lock() {
                // SAFETY: as above.
                locked(|| unsafe { own.release(block) });
            }
        }

        unsafe fn usable(&self, block: *mut c_void) -> usize {
            // SAFETY: as above. Reading a block's own header needs no lock.
            under_lock().map_or(0, |own| unsafe { own.usable(block) })
        }
    }
}
