//! What the tracker needs of its surroundings: which thread runs, the clock, where the stack lies.

use crate::sync::*;
use crate::table::threads::ThreadSlot;

#[cfg(not(feature = "std"))]
mod bare;
#[cfg(feature = "std")]
pub(crate) mod host;

#[cfg(not(feature = "std"))]
pub use bare::{Firmware, SingleCore};
#[cfg(feature = "std")]
pub use host::Host;

/// The platform of [`Tracker::new`](crate::Tracker::new).
#[cfg(feature = "std")]
pub type DefaultPlatform = Host;
/// The platform of [`Tracker::new`](crate::Tracker::new).
#[cfg(not(feature = "std"))]
pub type DefaultPlatform = SingleCore;

/// The words that a tracker keeps for each thread, task or core. They start all-zero with the thread and are
/// touched by that thread alone (and by signal handlers and interrupts that run on it).
#[derive(Debug)]
#[cfg_attr(target_pointer_width = "64", repr(align(64)))]
pub struct Local {
    /// The slot that the thread has to itself, which says whether the hook runs; null while there is none.
    pub(crate) slot: AtomicPtr<ThreadSlot>,
    /// 0 before the first event; the number of the thread's slot plus one; [`Local::BUSY`] while the hook runs without a
    /// slot that could say so.
    pub(crate) state: AtomicUsize,
    /// The tag that is pushed.
    pub(crate) tag: AtomicU32,
    /// Scopes and stages of this thread that are running.
    pub(crate) spans: AtomicU32,
    /// The cell booked last, and its stack, tag and heap.
    pub(crate) last_cell: AtomicU32,
    pub(crate) last_stack: AtomicU32,
    pub(crate) last_label: AtomicU32,
    /// Memory of the unwinder, null when there is none.
    pub(crate) memory: AtomicPtr<u8>,
    /// The part of the thread's stack that is known to be readable.
    pub(crate) stack_low: AtomicUsize,
    pub(crate) stack_high: AtomicUsize,
}

impl Local {
    /// The hook is running on this thread.
    pub(crate) const BUSY: usize = 1 << 31;
    /// The thread has ended for the tracker.
    pub(crate) const GONE: usize = Self::BUSY - 1;

    /// The words of a thread that has not run yet.
    #[must_use]
    pub const fn new() -> Self {
        Local {
            slot: AtomicPtr::new(core::ptr::null_mut()),
            state: AtomicUsize::new(0),
            tag: AtomicU32::new(0),
            spans: AtomicU32::new(0),
            last_cell: AtomicU32::new(0),
            last_stack: AtomicU32::new(0),
            last_label: AtomicU32::new(0),
            memory: AtomicPtr::new(core::ptr::null_mut()),
            stack_low: AtomicUsize::new(0),
            stack_high: AtomicUsize::new(0),
        }
    }

    /// The slot that the thread has to itself.
    #[inline(always)]
    pub(crate) fn slot(&self) -> Option<&'static ThreadSlot> {
        // SAFETY: what is stored is null or a slot of a tracker's region, which is a static.
        unsafe { self.slot.load(Relaxed).as_ref() }
    }

    /// The context has ended: the number of its slot, unless it had none or ended inside the hook.
    pub(crate) fn end(&self) -> Option<u16> {
        let inside = self.slot().is_some_and(|slot| slot.share.is_inside());
        self.slot.store(core::ptr::null_mut(), Relaxed);
        let state = self.state.swap(Self::GONE, Relaxed);
        let ended = state != 0 && state < Self::GONE && !inside;
        ended.then(|| (state - 1) as u16)
    }

    /// Says where the thread's stack lies: its lowest address and the one past its highest. All of it must be
    /// readable. A task of an RTOS gets this when it is made.
    pub fn set_stack(&self, low: usize, high: usize) {
        self.stack_high.store(high, Relaxed);
        self.stack_low.store(low, Relaxed);
    }

    /// The part of the thread's stack that is known to be readable, both 0 while none is.
    #[inline(always)]
    pub(crate) fn bounds(&self) -> (usize, usize) {
        (self.stack_low.load(Relaxed), self.stack_high.load(Relaxed))
    }

    /// The stack that was set, when `sp` lies in it: from `sp` to its end. What [`Platform::stack`] may return.
    pub fn stack_from(&self, sp: usize) -> Option<(usize, usize)> {
        let (low, high) = self.bounds();
        (low..high).contains(&sp).then_some((sp, high))
    }
}

impl Default for Local {
    fn default() -> Self {
        Self::new()
    }
}

/// Runs `f`, which makes something once, while no signal's handler can interrupt it: a handler that leaves by `siglongjmp`
/// would leave it half made for ever. Nothing jumps out of an interrupt.
#[inline(always)]
pub(crate) fn undisturbed<T>(f: impl FnOnce() -> T) -> T {
    #[cfg(feature = "std")]
    return crate::os::signal_mask::without(f);
    #[cfg(not(feature = "std"))]
    f()
}

/// The process that a dump is of.
#[derive(Clone, Copy, Debug, Default)]
pub struct Process {
    /// Process id, 0 when there is none.
    pub pid: u32,
    /// The parent's.
    pub parent: u32,
    /// Now, in nanoseconds since 1970, 0 when unknown.
    pub unix_ns: u64,
}

/// The tracker's surroundings.
///
/// # Safety
/// Every method may be called from inside an allocator, a signal handler or an interrupt: it must not allocate,
/// wait for a lock that may be held elsewhere, unwind, or call the tracker. [`local`](Self::local) must give two
/// contexts that run at the same time (threads, tasks that preempt each other, cores) different words, and one
/// context always the same. Every address that [`stack`](Self::stack) returns must be readable.
pub unsafe trait Platform: Sync {
    /// The words of the running context for tracker number `tracker`; `None` when it is too early or too late in
    /// the context's life for it to have any.
    fn local(&self, tracker: usize) -> Option<&Local>;

    /// Trackers that [`local`](Self::local) has words for.
    const TRACKERS: usize = 1;

    /// A number for one more tracker, from 0; `None` when there are too many.
    fn reserve(&self) -> Option<usize>;

    /// A full memory barrier on every context that is running; false when there is no such thing. Called at a
    /// tracker's start, and when a second context has its first event.
    fn barrier(&self) -> bool {
        false
    }

    /// A clock that does not go back, in nanoseconds. 0 where there is none.
    fn now_ns(&self) -> u64 {
        0
    }

    /// The system's number of the running context, 0 when unknown.
    fn thread_id(&self) -> u64 {
        0
    }

    /// The name of a thread, padded with zeros; all zeros when it has none. Called outside the hook, but for the
    /// running context itself when slots run short.
    fn thread_name(&self, thread_id: u64) -> [u8; 16] {
        let _ = thread_id;
        [0; 16]
    }

    /// Whether the context has left a call that had the stack pointer `entered`, as seen from one that has `sp`: then a jump
    /// went past it, and it never returns. False when it may have been interrupted, or is on another stack.
    fn has_left(&self, local: &Local, entered: usize, sp: usize) -> bool {
        let _ = (local, entered, sp);
        false
    }

    /// The first event of the running context has come.
    fn thread_started(&self) {}

    /// The readable range of the stack that `sp` points into: its low and high end. `local` may keep what is
    /// known for the thread's life. `None` when nothing is known: then no stack is captured.
    fn stack(&self, local: &Local, sp: usize) -> Option<(usize, usize)>;

    /// Zeroed memory of that size and the alignment of a cache line for the unwinder, for the context's life;
    /// null when there is none.
    fn memory(&self, size: usize) -> *mut u8 {
        let _ = size;
        core::ptr::null_mut()
    }

    /// The process.
    fn process(&self) -> Process {
        Process::default()
    }

    /// What tells the process from others that have or had its number; `None` where there are no processes. The tracker
    /// fills in its own address. Only called outside the hook.
    fn identity(&self) -> Option<memtrack_format::Process> {
        None
    }

    /// Calls `each` for every executable and library that is, or was, loaded. Only called outside the hook.
    fn modules(&self, each: &mut dyn FnMut(&memtrack_format::Module<'_>)) {
        let _ = each;
    }

    /// Calls `with` with the command line, arguments separated by NUL. Only called outside the hook.
    fn command(&self, with: &mut dyn FnMut(&[u8])) {
        with(&[]);
    }
}
