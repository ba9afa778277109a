//! What the tracker needs of its surroundings: which thread runs, the clock, where the stack lies.

#[cfg(not(feature = "std"))]
mod bare;
#[cfg(feature = "std")]
pub(crate) mod host;
mod local;

#[cfg(not(feature = "std"))]
pub use bare::{Firmware, SingleCore};
#[cfg(feature = "std")]
pub use host::Host;
pub use local::Local;

/// The platform of [`Tracker::new`](crate::Tracker::new).
#[cfg(feature = "std")]
pub type DefaultPlatform = Host;
/// The platform of [`Tracker::new`](crate::Tracker::new).
#[cfg(not(feature = "std"))]
pub type DefaultPlatform = SingleCore;

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
