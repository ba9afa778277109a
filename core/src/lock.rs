//! A lock that a fork opens: in a forked child nobody holds what another thread of the parent held.
//!
//! Its word says in which *generation* of the process it was taken; a fork begins the next one in the child. A lock
//! that was taken in another generation is free: the thread that holds it is not there. So no list of locks is needed,
//! and none can be forgotten. On a host a thread that has a lock holds its signals back: a handler that
//! leaves by `siglongjmp`, or a cancellation, would leave the lock shut for ever. Nothing waits here:
//! [`try_lock`] tries for a while.

use crate::limits::{LOCK_ROUNDS, LOCK_TRIES};
use crate::sync::*;
use core::cell::UnsafeCell;
use core::marker::PhantomData;
use core::ops::{Deref, DerefMut};

#[cfg(all(feature = "std", not(models)))]
use crate::os::signal_mask::SignalsBlocked;

/// Nothing leaves an interrupt by a jump.
#[cfg(not(all(feature = "std", not(models))))]
struct SignalsBlocked;

#[cfg(not(all(feature = "std", not(models))))]
impl SignalsBlocked {
    fn new() -> Self {
        SignalsBlocked
    }
}

/// How often the process was forked on the way to this one: the same in all threads, another one in a child.
static FORKS: Word = Word::new(0);

/// The process's generation, never 0.
pub(crate) fn generation() -> u32 {
    FORKS.load(Relaxed).wrapping_add(1).max(1)
}

/// In a forked child: every lock that is held is free from now on.
#[cfg(feature = "std")]
pub(crate) fn forked() {
    FORKS.fetch_add(1, AcqRel);
}

/// A value that one at a time may change. All-zero is open, when the value may be.
#[repr(C)]
pub struct Lock<T: ?Sized> {
    /// The generation in which it was taken; 0 while it is open.
    taken: Word,
    value: UnsafeCell<T>,
}

// SAFETY: the value is reached through a guard alone, of which there is one at a time in a process.
unsafe impl<T: ?Sized + Send> Sync for Lock<T> {}

/// A lock that is held, until this is dropped.
pub struct Guard<'l, T: ?Sized> {
    lock: &'l Lock<T>,
    generation: u32,
    /// Given up behind the lock.
    _signals: SignalsBlocked,
    /// A thread that took a lock opens it again.
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
    /// The lock, when nobody has it.
    pub(crate) fn try_lock(&self) -> Option<Guard<'_, T>> {
        let (taken, generation) = (self.taken.load(Relaxed), generation());
        if taken == generation {
            return None;
        }
        let _signals = SignalsBlocked::new();
        let had = self.taken.compare_exchange(taken, generation, Acquire, Relaxed);
        had.is_ok().then(|| Guard { lock: self, generation, _signals, not_send: PhantomData })
    }

    /// Whether somebody has it.
    #[cfg(feature = "std")]
    pub(crate) fn is_locked(&self) -> bool {
        self.taken.load(Relaxed) == generation()
    }

    /// Where the value is.
    pub(crate) fn as_ptr(&self) -> *mut T {
        self.value.get()
    }
}

impl<T: ?Sized> Drop for Guard<'_, T> {
    fn drop(&mut self) {
        // One that was taken before a fork may be another's by now.
        let _ = self.lock.taken.compare_exchange(self.generation, 0, Release, Relaxed);
    }
}

impl<T: ?Sized> Deref for Guard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        // SAFETY: the guard has the lock, so nobody changes the value.
        unsafe { &*self.lock.value.get() }
    }
}

impl<T: ?Sized> DerefMut for Guard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: the guard has the lock, so nobody else reaches the value.
        unsafe { &mut *self.lock.value.get() }
    }
}

/// Takes the lock. `None` when its holder was stopped, as by the signal whose handler asks.
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
