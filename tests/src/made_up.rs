//! A platform that no machine has, for tests of the trait [`Platform`].
//!
//! Its threads are *contexts*, as coroutines are: one thread of the system runs them in turn, and [`MadeUp::switch_to`] says
//! which one runs. Its clock stands still until a test sets it. A test can take away what a platform may lack: the
//! stack's bounds, memory for the unwinder, and numbers for more trackers.

use std::mem::MaybeUninit;
use std::ptr;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};

use memtrack::{Local, Platform};

/// Contexts of a platform.
pub const CONTEXTS: usize = 4;
/// Trackers that a platform has words for.
pub const TRACKERS: usize = 2;

/// A platform. A test has one as a `static`, and gives trackers a reference to it.
pub struct MadeUp {
    knows_stack: bool,
    has_memory: bool,
    /// The platform has numbers for so many trackers.
    trackers: usize,
    words: [[Local; TRACKERS]; CONTEXTS],
    /// The thread of the system that runs the contexts, 0 before the start.
    runner: AtomicUsize,
    running: AtomicUsize,
    reserved: AtomicUsize,
    clock: AtomicU64,
}

impl Default for MadeUp {
    fn default() -> Self {
        Self::new()
    }
}

impl MadeUp {
    /// One that lacks nothing. Its clock is at 0: the platform has none.
    #[must_use]
    pub const fn new() -> Self {
        MadeUp {
            knows_stack: true,
            has_memory: true,
            trackers: TRACKERS,
            words: [const { [const { Local::new() }; TRACKERS] }; CONTEXTS],
            runner: AtomicUsize::new(0),
            running: AtomicUsize::new(0),
            reserved: AtomicUsize::new(0),
            clock: AtomicU64::new(0),
        }
    }

    /// The same platform, but it does not know the bounds of the stack.
    #[must_use]
    pub const fn without_stack(mut self) -> Self {
        self.knows_stack = false;
        self
    }

    /// The same platform, but it has no memory for the unwinder.
    #[must_use]
    pub const fn without_memory(mut self) -> Self {
        self.has_memory = false;
        self
    }

    /// The same platform with numbers for so many trackers. Beyond [`TRACKERS`] that is a mistake: it has no words for them.
    #[must_use]
    pub const fn with_trackers(mut self, trackers: usize) -> Self {
        self.trackers = trackers;
        self
    }

    /// The calling thread of the system runs the contexts from now on. Before, and on other threads, events have no context.
    ///
    /// # Panics
    /// When another thread does.
    pub fn start(&self) {
        let (low, high) = stack();
        if self.knows_stack {
            self.words.iter().flatten().for_each(|words| words.set_stack(low, high));
        }
        let before = self.runner.compare_exchange(0, this_thread(), Relaxed, Relaxed);
        assert_eq!(before, Ok(0), "two threads run the contexts of one platform");
    }

    /// Runs another context.
    ///
    /// # Panics
    /// When there is none of that number.
    pub fn switch_to(&self, context: usize) {
        assert!(context < CONTEXTS, "there is no context {context}");
        self.running.store(context, Relaxed);
    }

    /// Sets the clock, in nanoseconds.
    pub fn set_clock(&self, now: u64) {
        self.clock.store(now, Relaxed);
    }
}

// SAFETY: only the thread that runs the contexts gets words, so no two contexts run at the same time, and each has its own. The
// bounds are those of that thread's stack. Memory comes from a system call, zeroed, and is given away once. Nothing
// allocates, waits or unwinds.
unsafe impl Platform for &'static MadeUp {
    const TRACKERS: usize = TRACKERS;

    fn local(&self, tracker: usize) -> Option<&Local> {
        let words = &self.words[self.running.load(Relaxed)];
        words.get(tracker).filter(|_| self.runner.load(Relaxed) == this_thread())
    }

    fn reserve(&self) -> Option<usize> {
        self.reserved.fetch_update(Relaxed, Relaxed, |used| (used < self.trackers).then_some(used + 1)).ok()
    }

    fn now_ns(&self) -> u64 {
        self.clock.load(Relaxed)
    }

    fn thread_id(&self) -> u64 {
        self.running.load(Relaxed) as u64 + 1
    }

    fn thread_name(&self, thread_id: u64) -> [u8; 16] {
        let mut name = [0; 16];
        if let Some(context) = thread_id.checked_sub(1) {
            name[..2].copy_from_slice(&[b'w', b'0' + context as u8]);
        }
        name
    }

    fn stack(&self, local: &Local, sp: usize) -> Option<(usize, usize)> {
        local.stack_from(sp)
    }

    fn memory(&self, size: usize) -> *mut u8 {
        if !self.has_memory {
            return ptr::null_mut();
        }
        let (access, kind) = (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS);
        // SAFETY: a new mapping anywhere takes nobody's memory.
        let memory = unsafe { libc::mmap(ptr::null_mut(), size, access, kind, -1, 0) };
        if memory == libc::MAP_FAILED { ptr::null_mut() } else { memory.cast() }
    }
}

fn this_thread() -> usize {
    // SAFETY: the call has no conditions.
    unsafe { libc::pthread_self() as usize }
}

/// The bounds of the calling thread's stack. All of it is readable unless the thread is the process's first.
fn stack() -> (usize, usize) {
    let mut attributes = MaybeUninit::uninit();
    let (mut low, mut size) = (ptr::null_mut(), 0);
    // SAFETY: the first call fills in the attributes of the running thread, which the others read and free.
    unsafe {
        assert_eq!(libc::pthread_getattr_np(libc::pthread_self(), attributes.as_mut_ptr()), 0);
        assert_eq!(libc::pthread_attr_getstack(attributes.as_ptr(), &raw mut low, &raw mut size), 0);
        libc::pthread_attr_destroy(attributes.as_mut_ptr());
    }
    (low as usize, low as usize + size)
}
