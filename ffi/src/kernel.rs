//! Bare metal: the platform of the tracker, and its seam to a kernel's tasks.
//!
//! A firmware without tasks must not pay for them. So nothing here names the code for tasks (`platform`, `context`): only
//! `memtrack_set_platform` does, and the linker leaves the rest out of a program that does not call it.

use crate::allocator::locked_source;
use crate::source::Source;
use core::ffi::c_void;
use core::sync::atomic::{
    AtomicBool, AtomicPtr,
    Ordering::{Acquire, Relaxed, Release},
};
use memtrack_core::{Local, Platform, SingleCore};

/// The answers of a program with tasks. Only `memtrack_set_platform` names an implementation, so the linker leaves it out
/// of a firmware without tasks.
pub(crate) trait Kernel: Sync {
    /// The words of the running task, those of `main` while none runs. `None` for a context that is not made, or is deleted.
    fn local(&self) -> Option<&'static Local>;

    /// The number of the running task; `None` while none runs.
    fn number(&self) -> Option<u64>;

    /// The name of the running task, if it has that number; otherwise zeros.
    fn name(&self, number: u64) -> [u8; 16];

    /// The running task has its first event.
    fn started(&self);
}

/// Null without tasks.
static KERNEL: AtomicPtr<&'static dyn Kernel> = AtomicPtr::new(core::ptr::null_mut());
/// The tracker has begun: it keeps the kernel that it found.
static BEGUN: AtomicBool = AtomicBool::new(false);

/// Sets the kernel, if there are tasks. False when the tracker has begun.
pub(crate) fn set_kernel(kernel: &'static &'static dyn Kernel, has_tasks: bool) -> bool {
    let in_time = !BEGUN.load(Relaxed);
    if in_time && has_tasks {
        // Black box: the compiler would see that this is the only kernel, and call it by name.
        KERNEL.store(core::hint::black_box(core::ptr::from_ref(kernel).cast_mut()), Release);
    }
    in_time
}

fn kernel() -> Option<&'static dyn Kernel> {
    // SAFETY: it is null, or `set_kernel` has stored it, from a reference to a static.
    unsafe { KERNEL.load(Acquire).as_ref() }.copied()
}

/// A firmware in C. Without tasks it is `SingleCore`, and the tracker has the number 0. With tasks it has the number
/// [`WITH_TASKS`], so that the events of a firmware without tasks look for none.
pub(crate) struct Board;

const WITH_TASKS: usize = 1;
/// The number of `main`, as a thread. That of a task is the address of its context.
const MAIN: u64 = 1;

/// The words of `main`, and of everything else that no task runs.
pub(crate) fn main() -> Option<&'static Local> {
    SingleCore.local(0)
}

#[cold]
#[inline(never)]
fn local_of_task() -> Option<&'static Local> {
    kernel()?.local()
}

/// Interrupts have the stack of `main`.
#[cold]
#[inline(never)]
fn stack_of_interrupts(sp: usize) -> Option<(usize, usize)> {
    main()?.stack_from(sp)
}

// SAFETY: each task has words of its own in its context, and interrupts run on those of the task that they interrupt: the
// program promised it when it set the platform. All code that no task runs is `main`. The bounds of stacks are readable by
// the contracts of `memtrack_context_create` and `memtrack_set_stack`. The rest is `SingleCore`.
unsafe impl Platform for Board {
    #[inline]
    fn local(&self, tracker: usize) -> Option<&Local> {
        if tracker == 0 { main() } else { local_of_task() }
    }

    fn reserve(&self) -> Option<usize> {
        BEGUN.store(true, Relaxed);
        Some(if kernel().is_some() { WITH_TASKS } else { 0 })
    }

    fn now_ns(&self) -> u64 {
        SingleCore.now_ns()
    }

    fn thread_id(&self) -> u64 {
        kernel().and_then(Kernel::number).unwrap_or(MAIN)
    }

    fn thread_started(&self) {
        if let Some(kernel) = kernel() {
            kernel.started();
        }
    }

    /// Knows the running task alone: other contexts may be gone, and their memory with them. Their threads have kept the
    /// names.
    #[inline(never)]
    fn thread_name(&self, id: u64) -> [u8; 16] {
        match kernel() {
            Some(kernel) if id != MAIN => kernel.name(id),
            _ => SingleCore.thread_name(id),
        }
    }

    #[inline]
    fn stack(&self, local: &Local, sp: usize) -> Option<(usize, usize)> {
        match local.stack_from(sp) {
            None => stack_of_interrupts(sp),
            found => found,
        }
    }

    fn memory(&self, size: usize) -> *mut u8 {
        SingleCore.memory(size)
    }

    fn modules(&self, each: &mut dyn FnMut(&memtrack_format::Module<'_>)) {
        SingleCore.modules(each);
    }
}

/// The source of blocks before the program sets one, and of a program whose platform has a lock. An allocator without a lock is
/// called directly.
pub(crate) struct Otherwise;

// SAFETY: every block comes from the source that is under the lock, which upholds the contract.
unsafe impl Source for Otherwise {
    unsafe fn allocate(&self, align: usize, size: usize, zeroed: bool) -> *mut c_void {
        match locked_source() {
            // SAFETY: the caller upholds the contract, here and below.
            Some(source) => unsafe { source.allocate(align, size, zeroed) },
            None => self.refuse(),
        }
    }

    unsafe fn resize(&self, block: *mut c_void, size: usize) -> *mut c_void {
        match locked_source() {
            // SAFETY: as above.
            Some(source) => unsafe { source.resize(block, size) },
            None => self.refuse(),
        }
    }

    unsafe fn release(&self, block: *mut c_void) {
        if let Some(source) = locked_source() {
            // SAFETY: as above.
            unsafe { source.release(block) }
        }
    }

    unsafe fn usable(&self, block: *mut c_void) -> usize {
        // SAFETY: as above.
        locked_source().map_or(0, |source| unsafe { source.usable(block) })
    }
}
