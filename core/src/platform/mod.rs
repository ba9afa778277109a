//! The surroundings of a tracker: the running thread, the clock, the bounds of the stack.
//!
//! **Problem.** The same tracker runs in a process of an operating system, in a firmware without one, and under an RTOS.
//! Each has another answer to "which thread runs?".
//!
//! **Idea.** A tracker asks a [`Platform`], which is one of its type parameters. Two come with the crate:
//! [`DefaultPlatform`] is `Host` with the feature `std`, and `SingleCore` without. A third one, `JavaScript`, is for WebAssembly in a
//! browser. Every other system implements the trait.
//!
//! - **Context**: code that runs at the same time as other code, or is preempted by it and continues later: a thread, a
//!   task, a core. A signal handler and an interrupt are part of the context that they interrupt.
//! - **Words** ([`Local`]): the memory that a tracker keeps for each context.

#[cfg(not(feature = "std"))]
mod bare;
#[cfg(feature = "std")]
pub(crate) mod host;
#[cfg(all(target_arch = "wasm32", not(any(feature = "std", target_feature = "atomics"))))]
mod javascript;
mod local;

#[cfg(not(feature = "std"))]
pub use bare::{Firmware, SingleCore};
#[cfg(feature = "std")]
pub use host::Host;
#[cfg(all(target_arch = "wasm32", not(any(feature = "std", target_feature = "atomics"))))]
pub use javascript::JavaScript;
pub use local::Local;

/// The platform of [`Tracker::new`](crate::Tracker::new).
#[cfg(feature = "std")]
pub type DefaultPlatform = Host;
/// The platform of [`Tracker::new`](crate::Tracker::new).
#[cfg(not(feature = "std"))]
pub type DefaultPlatform = SingleCore;

/// Runs `f`, which initialises something once, while no signal handler can interrupt it: a handler that leaves by
/// `siglongjmp` would leave it half initialised for ever. An interrupt cannot leave by a jump, so without `std` this is a
/// plain call.
#[inline(always)]
pub(crate) fn undisturbed<T>(f: impl FnOnce() -> T) -> T {
    #[cfg(feature = "std")]
    return crate::os::signal_mask::while_blocked(f);
    #[cfg(not(feature = "std"))]
    f()
}

/// The process that a dump describes.
#[derive(Clone, Copy, Debug, Default)]
pub struct Process {
    /// The process id, 0 when there is none.
    pub pid: u32,
    /// The process id of the parent, 0 when there is none.
    pub parent: u32,
    /// The current time, in nanoseconds since 1970, 0 when it is unknown.
    pub unix_ns: u64,
}

/// A tracker's surroundings. Implement it for an RTOS, for several cores, or for threads of your own.
///
/// Three methods are required: [`local`](Self::local), [`reserve`](Self::reserve) and [`stack`](Self::stack). Each of the
/// others has a default, which says "unknown", and its documentation lists the features that are missing then.
///
/// | called | methods |
/// |---|---|
/// | once, at the tracker's first event | `reserve`, `barrier`, `process` |
/// | at every event | `local` |
/// | at events that capture a stack | `stack` |
/// | once, at a context's first event | `thread_id`, `memory`, `thread_started` |
/// | at some events, at stages and for dumps | `now_ns` |
/// | for reports and dumps | `thread_name`, `process`, `identity`, `modules`, `command` |
///
/// An *event* is an allocation, a reallocation or a free. The *hook* is the code that runs at an event.
///
/// The integrator has two more tasks: before a new task runs, its words are a fresh [`Local::new`] with the task's stack
/// ([`Local::set_stack`]); when a task ends, [`Tracker::thread_ended`](crate::Tracker::thread_ended) is called. And the
/// first event of the tracker comes while one context alone runs, for example by a call of
/// [`Tracker::check`](crate::Tracker::check) at the beginning of `main`: events of other contexts that come during it are
/// counted as losses.
///
/// # Example
///
/// ```
/// # use memtrack::{Local, Platform};
/// # struct Task { words: Local, number: u32 }
/// # static MAIN: Task = Task { words: Local::new(), number: 0 };
/// # fn current_task() -> &'static Task { &MAIN }
/// struct Rtos;
///
/// // SAFETY: each task has words of its own in its control block, and an interrupt runs on those of the task that it
/// // interrupts. `current_task` reads one pointer. The kernel knows the true bounds of each task's stack.
/// unsafe impl Platform for Rtos {
///     fn local(&self, tracker: usize) -> Option<&Local> {
///         (tracker == 0).then(|| &current_task().words)
///     }
///     fn reserve(&self) -> Option<usize> {
///         Some(0) // There is one tracker.
///     }
///     fn thread_id(&self) -> u64 {
///         u64::from(current_task().number) + 1
///     }
///     fn stack(&self, local: &Local, sp: usize) -> Option<(usize, usize)> {
///         local.stack_from(sp)
///     }
/// }
/// ```
///
/// # Safety
/// Every method may be called inside an allocator, a signal handler or an interrupt: it must not allocate, wait for a lock
/// that other code may hold, unwind, or call the tracker.
///
/// [`local`](Self::local) must return different words for two contexts, and always the same words for one context.
///
/// Every byte of the range that [`stack`](Self::stack) returns must be readable until the event ends. The range of
/// [`Local::set_stack`] must be readable as long as the context runs.
///
/// [`memory`](Self::memory) must return null, or zeroed memory that nothing else uses.
pub unsafe trait Platform: Sync {
    /// Returns the words of the running context for the tracker with the number `tracker`, which is one that
    /// [`reserve`](Self::reserve) has returned.
    ///
    /// Called first at every event, so its cost is added to every event. `None` says that the context has no words now,
    /// because it is too early or too late in its life: the event is then counted without thread and stack, as a
    /// [loss](crate::LossCause::NoThread).
    fn local(&self, tracker: usize) -> Option<&Local>;

    /// The number of trackers that [`local`](Self::local) has words for. A tracker with a higher number counts correctly,
    /// but never takes the fast path.
    const TRACKERS: usize = 1;

    /// Returns the number of one more tracker: 0, 1, 2 and so on, each one once.
    ///
    /// Called once by each tracker that uses this platform, at its first event. `None` says that there are no words for one
    /// more: that tracker then counts nothing, and [`Tracker::check`](crate::Tracker::check) returns
    /// [`Error::TooManyTrackers`](crate::Error::TooManyTrackers).
    fn reserve(&self) -> Option<usize>;

    /// Makes a full memory barrier on every context that is running, on all cores. Returns false when the system has no
    /// such function.
    ///
    /// Called at the tracker's first event, and again when a second context has its first event. It may be called at other
    /// times too, when one context changes the counters of all. With the default, false, all contexts use atomic operations
    /// from the start, and each event takes longer.
    fn barrier(&self) -> bool {
        false
    }

    /// Returns the time in nanoseconds since any fixed moment, on a clock that never goes back.
    ///
    /// Called when a tracker starts, when the live bytes first fall after a new peak, when stages begin and end, and for
    /// reports and dumps; with the feature `std` also at every 64th allocation of a context. With the default, 0, the times
    /// of peaks and stages are unknown.
    fn now_ns(&self) -> u64 {
        0
    }

    /// Returns the system's number of the running context, 0 when it is unknown. People see it in reports, and
    /// [`thread_name`](Self::thread_name) gets it.
    ///
    /// Called inside the hook, once for each context, at its first event.
    fn thread_id(&self) -> u64 {
        0
    }

    /// Returns the name of a context, padded with zeros; all zeros when it has none, or when no context has this number any
    /// more. `thread_id` is a number that [`thread_id`](Self::thread_id) has returned.
    ///
    /// Called for reports and dumps, outside the hook, for every context that has not ended. It is also called inside the
    /// hook, for the running context alone, at its first event: with the feature `std` always, and without it when all
    /// thread slots are in use, to find the slot of an ended context of the same name. With the default, no context has a
    /// name unless [`Tracker::thread_ended`](crate::Tracker::thread_ended) gives it one.
    fn thread_name(&self, thread_id: u64) -> [u8; 16] {
        let _ = thread_id;
        [0; 16]
    }

    /// Returns whether a jump (`longjmp` out of a signal handler) has abandoned an event of the running context. The stack
    /// pointer was `entered` at that event, and is `sp` now.
    ///
    /// Called inside the hook, with the feature `std` alone, when an event finds that another event of its context has not
    /// ended. True says that the call with `entered` never returns: the tracker takes over from it. Return false when the
    /// running code may have interrupted that call, or is on another stack. With the default, false, the current event is
    /// counted without thread and stack, as a [loss](crate::LossCause::Reentered); after a jump that is true of all later
    /// events of the context.
    fn has_left(&self, local: &Local, entered: usize, sp: usize) -> bool {
        let _ = (local, entered, sp);
        false
    }

    /// Informs the platform that the running context has its first event: it may register for the end of the context, to
    /// call [`Tracker::thread_ended`](crate::Tracker::thread_ended) there.
    ///
    /// Called inside the hook, once for each context. The default does nothing.
    fn thread_started(&self) {}

    /// Returns the readable range of the stack that `sp` points into: `sp`, or a lower address, and the address past the
    /// stack's highest byte.
    ///
    /// Called inside the hook, whenever a stack is walked, with the words of the running context; and again, with another
    /// `sp`, when the walk continues on another stack, as behind the frame of a signal handler. It may look the bounds up
    /// once and keep them in `local` ([`Local::set_stack`]). [`Local::stack_from`] is the whole implementation where the
    /// bounds were set before. `None` says that nothing is known there: the event is counted without a stack.
    fn stack(&self, local: &Local, sp: usize) -> Option<(usize, usize)>;

    /// Returns `size` bytes of zeroed memory, aligned to 64 bytes, which stays the caller's; null when there is none.
    ///
    /// Called inside the hook, once for each context, at its first event, for the memory of the unwinder. With the feature
    /// `std` it is also called once for each tracker, when a thread's stage first begins. With the default, null, the
    /// unwinder remembers no stacks: it walks the whole stack at each event.
    fn memory(&self, size: usize) -> *mut u8 {
        let _ = size;
        core::ptr::null_mut()
    }

    /// Returns the ids of the process, and the current time.
    ///
    /// Called at the tracker's first event, inside the hook, and for dumps. With the default, all zeros, dumps have no
    /// process and no date.
    fn process(&self) -> Process {
        Process::default()
    }

    /// Returns the facts that tell the process from others that have or had its id; `None` where there are no processes. The
    /// tracker fills in its own address.
    ///
    /// Called for dumps, outside the hook. With the default, `None`, a dump identifies its process by the process id alone.
    fn identity(&self) -> Option<memtrack_format::Process> {
        None
    }

    /// Calls `each` for every executable and library that is, or was, loaded.
    ///
    /// Called for dumps, outside the hook. With the default, none, a dump has addresses without modules: `memtrack-fold`
    /// then takes their names from the file of its option `--binary`.
    fn modules(&self, each: &mut dyn FnMut(&memtrack_format::Module<'_>)) {
        let _ = each;
    }

    /// Calls `with`, once, with the command line: its arguments, separated by NUL.
    ///
    /// Called for dumps, outside the hook. The default is an empty command line.
    fn command(&self, with: &mut dyn FnMut(&[u8])) {
        with(&[]);
    }
}
