//! A lock that a fork opens.
//!
//! **Problem.** A forked child has one thread. A lock that another thread of the parent held would stay closed in the child for
//! ever.
//!
//! **Idea.** The lock's word is the generation of the process in which it was taken. A fork begins the next generation in the
//! child, and a lock of another generation is free. So there is no list of locks, in which one could be missing.
//!
//! # Signals
//! On a host, a thread with a lock blocks its signals. Otherwise a handler that leaves by `siglongjmp`, or a cancellation, would
//! leave the lock closed.
//!
//! # Waiting
//! Nothing waits for a lock: [`try_lock`] tries for a bounded time.

use crate::limits::{LOCK_ROUNDS, LOCK_TRIES};
use crate::sync::*;
use core::cell::UnsafeCell;
use core::marker::PhantomData;
use core::ops::{Deref, DerefMut};

#[cfg(all(feature = "std", not(models)))]
use crate::os::signal_mask::SignalsBlocked;

/// Without signals there is nothing to block: no interrupt leaves by a jump.
#[cfg(not(all(feature = "std", not(models))))]
struct SignalsBlocked;

#[cfg(not(all(feature = "std", not(models))))]
impl SignalsBlocked {
    fn new() -> Self {
        SignalsBlocked
    }
}

/// The number of forks from the first process to this one: the same in all threads, another one in a child.
static FORKS: Word = Word::new(0);

/// The process's generation, never 0.
pub(crate) fn generation() -> u32 {
    FORKS.load(Relaxed).wrapping_add(1).max(1)
}

/// In a forked child: opens every lock.
#[cfg(feature = "std")]
pub(crate) fn forked() {
    FORKS.fetch_add(1, AcqRel);
}

/// A value that one thread at a time may change. All-zero is an open lock, for values that may be all-zero.
#[repr(C)]
pub struct Lock<T: ?Sized> {
    /// The generation in which it was taken; 0 while it is open.
    taken: Word,
    value: UnsafeCell<T>,
}

// SAFETY: only a guard gives access to the value, and a process has one guard at a time.
unsafe impl<T: ?Sized + Send> Sync for Lock<T> {}

/// A lock that is taken. Its drop opens the lock.
pub struct Guard<'l, T: ?Sized> {
    lock: &'l Lock<T>,
    generation: u32,
    /// Dropped after the lock is open.
    _signals: SignalsBlocked,
    /// A guard stays on its thread, whose signals it blocks.
    not_send: PhantomData<*const ()>,
}

impl<T> Lock<T> {
    pub(crate) const fn new(value: T) -> Self {
        Lock { taken: Word::new(0), value: UnsafeCell::new(value) }
    }
}

impl<T: Default> Default for Lock<T> {
    fn default() -> Self {
        Lock::new(T::default())
    }
}

impl<T: ?Sized> Lock<T> {
    /// Takes the lock if it is open.
    pub(crate) fn try_lock(&self) -> Option<Guard<'_, T>> {
        let (taken, generation) = (self.taken.load(Relaxed), generation());
        if taken == generation {
            return None;
        }
        let _signals = SignalsBlocked::new();
        let had = self.taken.compare_exchange(taken, generation, Acquire, Relaxed);
        had.is_ok().then(|| Guard { lock: self, generation, _signals, not_send: PhantomData })
    }

    /// Whether the lock is taken.
    #[cfg(feature = "std")]
    pub(crate) fn is_locked(&self) -> bool {
        self.taken.load(Relaxed) == generation()
    }

    /// The address of the value.
    pub(crate) fn as_ptr(&self) -> *mut T {
        self.value.get()
    }
}

impl<T: ?Sized> Drop for Guard<'_, T> {
    fn drop(&mut self) {
        // After a fork, another thread may have taken the lock.
        let _ = self.lock.taken.compare_exchange(self.generation, 0, Release, Relaxed);
    }
}

impl<T: ?Sized> Deref for Guard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        // SAFETY: the guard has the lock, so no other thread changes the value.
        unsafe { &*self.lock.value.get() }
    }
}

impl<T: ?Sized> DerefMut for Guard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: the guard has the lock, so no other thread has access to the value, and `self` is borrowed mutably.
        unsafe { &mut *self.lock.value.get() }
    }
}

/// Takes the lock. `None` when its holder does not run, for example because of the signal whose handler calls this.
pub(crate) fn try_lock<T: ?Sized>(lock: &Lock<T>) -> Option<Guard<'_, T>> {
    (0..LOCK_ROUNDS).find_map(|round| {
        #[cfg(feature = "std")]
        if round > 0 {
            crate::os::thread::yield_now();
        }
        let _ = round;
        (0..LOCK_TRIES).find_map(|_| {
            core::hint::spin_loop();
            lock.try_lock()
        })
    })
}

#[cfg(all(test, feature = "std"))]
mod tests {
    use super::*;
    #[cfg(unix)]
    use std::sync::mpsc::channel;

    #[test]
    fn one_at_a_time_has_it() {
        let lock = Lock::new(1);
        let mut guard = lock.try_lock().expect("it is open");
        *guard += 1;
        assert!(lock.try_lock().is_none());
        drop(guard);
        assert_eq!(*lock.try_lock().expect("it is open again"), 2);
    }

    /// The child of a fork while another thread holds the lock: it has the lock, and its own threads keep each other out.
    #[cfg(unix)]
    #[test]
    fn a_fork_opens_what_another_thread_holds() {
        static LOCK: Lock<u32> = Lock::new(0);
        let (held, is_held) = channel();
        let (release, is_released) = channel::<()>();
        let holder = std::thread::spawn(move || {
            let guard = LOCK.try_lock().expect("it is open");
            held.send(()).expect("the test waits");
            is_released.recv().expect("the test says when");
            drop(guard);
        });
        is_held.recv().expect("the thread says so");
        // SAFETY: the child tries the lock, and ends without anything of the C library's.
        let child = unsafe { libc::fork() };
        if child == 0 {
            let first = LOCK.try_lock();
            let works = first.is_some() && LOCK.try_lock().is_none();
            drop(first);
            // SAFETY: ends the process.
            unsafe { libc::_exit(i32::from(!(works && LOCK.try_lock().is_some()))) };
        }
        let mut status = 0;
        // SAFETY: the status is written.
        assert_eq!(unsafe { libc::waitpid(child, &raw mut status, 0) }, child);
        release.send(()).expect("the thread waits");
        holder.join().expect("the thread ends");
        assert_eq!(status, 0);
        assert!(LOCK.try_lock().is_some());
    }
}
