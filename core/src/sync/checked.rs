//! Atomic integers of a model checker. Loom tries every order and every stale value that the memory model allows, up to a bound
//! of preemptions. Shuttle tries random schedules of longer scenarios.
//!
//! A word from `new` or zeroed memory, as in a static, becomes the checker's at its first use. A word from `Default` becomes the
//! checker's at once, in the thread that makes it. A [`Fault`] that is planted here is a fault of all code above.

use core::cell::Cell;
use core::ptr;
use core::sync::atomic::Ordering::{self, Relaxed, SeqCst};
use std::boxed::Box;

/// The checker that runs the threads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Checker {
    Loom,
    Shuttle,
}

/// A mistake on purpose: a test that the checker finds it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    None,
    /// Every access is relaxed.
    Relaxed,
    /// Read-modify-write operations are two steps.
    Torn,
    /// The cheap side of the asymmetric barrier is missing.
    Unfenced,
}

std::thread_local! {
    // Both checkers run all threads of a scenario on the thread that started it.
    static RUN: Cell<(Checker, Fault)> = const { Cell::new((Checker::Loom, Fault::None)) };
}

/// Chooses the checker of this thread's scenarios.
pub(crate) fn choose(checker: Checker, fault: Fault) {
    RUN.set((checker, fault));
}

pub(crate) fn checker() -> Checker {
    RUN.get().0
}

fn fault() -> Fault {
    RUN.get().1
}

fn weakened(order: Ordering) -> Ordering {
    if fault() == Fault::Relaxed { Relaxed } else { order }
}

/// A full fence.
pub(crate) fn barrier() {
    match checker() {
        Checker::Loom => loom::sync::atomic::fence(SeqCst),
        Checker::Shuttle => shuttle::sync::atomic::fence(SeqCst),
    }
}

pub(crate) fn light_barrier() {
    if fault() != Fault::Unfenced {
        barrier();
    }
}

pub(crate) fn spin_loop() {
    match checker() {
        Checker::Loom => loom::thread::yield_now(),
        Checker::Shuttle => shuttle::thread::yield_now(),
    }
}

enum Either<L, S> {
    Loom(L),
    Shuttle(S),
}

macro_rules! checked {
    ($($name:ident: $value:ty),*) => {$(
        #[derive(Debug)]
        pub(crate) struct $name {
            /// The checker's word, null until it is made.
            word: Cell<*mut Either<loom::sync::atomic::$name, shuttle::sync::atomic::$name>>,
            first: $value,
        }

        // SAFETY: a checker runs one thread at a time, all on one thread of the machine.
        unsafe impl Send for $name {}
        // SAFETY: as above.
        unsafe impl Sync for $name {}

        #[allow(dead_code, reason = "one set of operations for all widths")]
        impl $name {
            pub(crate) const fn new(first: $value) -> Self {
                $name { word: Cell::new(ptr::null_mut()), first }
            }

            fn word(&self) -> &Either<loom::sync::atomic::$name, shuttle::sync::atomic::$name> {
                if self.word.get().is_null() {
                    self.word.set(Box::into_raw(Box::new(match checker() {
                        Checker::Loom => Either::Loom(loom::sync::atomic::$name::new(self.first)),
                        Checker::Shuttle => Either::Shuttle(shuttle::sync::atomic::$name::new(self.first)),
                    })));
                }
                // SAFETY: it was made above and lives as long as this word.
                unsafe { &*self.word.get() }
            }

            pub(crate) fn load(&self, order: Ordering) -> $value {
                match self.word() {
                    Either::Loom(word) => word.load(weakened(order)),
                    Either::Shuttle(word) => word.load(SeqCst),
                }
            }

            pub(crate) fn store(&self, value: $value, order: Ordering) {
                match self.word() {
                    Either::Loom(word) => word.store(value, weakened(order)),
                    Either::Shuttle(word) => word.store(value, SeqCst),
                }
            }

            fn torn(&self, change: impl FnOnce($value) -> $value) -> $value {
                let old = self.load(Relaxed);
                self.store(change(old), Relaxed);
                old
            }

            pub(crate) fn compare_exchange(
                &self,
                old: $value,
                new: $value,
                success: Ordering,
                failure: Ordering,
            ) -> Result<$value, $value> {
                if fault() == Fault::Torn {
                    let now = self.load(failure);
                    return if now == old { Ok(self.torn(|_| new)) } else { Err(now) };
                }
                match self.word() {
                    Either::Loom(word) => word.compare_exchange(old, new, weakened(success), weakened(failure)),
                    Either::Shuttle(word) => word.compare_exchange(old, new, SeqCst, SeqCst),
                }
            }

            pub(crate) fn compare_exchange_weak(
                &self,
                old: $value,
                new: $value,
                success: Ordering,
                failure: Ordering,
            ) -> Result<$value, $value> {
                self.compare_exchange(old, new, success, failure)
            }

            checked!(@change $name $value: swap |_old, n| n, fetch_add |old, n| old.wrapping_add(n),
                fetch_sub |old, n| old.wrapping_sub(n), fetch_or |old, n| old | n, fetch_and |old, n| old & n,
                fetch_max |old, n| old.max(n));
        }

        impl Default for $name {
            fn default() -> Self {
                let word = $name::new(0);
                word.word();
                word
            }
        }

        impl Drop for $name {
            fn drop(&mut self) {
                if !self.word.get().is_null() {
                    // SAFETY: it came from a box, and nothing else refers to it.
                    drop(unsafe { Box::from_raw(self.word.get()) });
                }
            }
        }
    )*};
    (@change $self:ident $value:ty: $($operation:ident |$old:ident, $n:ident| $result:expr),*) => {$(
        pub(crate) fn $operation(&self, n: $value, order: Ordering) -> $value {
            if fault() == Fault::Torn {
                return self.torn(|$old| { let $n = n; $result });
            }
            match self.word() {
                Either::Loom(word) => word.$operation(n, weakened(order)),
                Either::Shuttle(word) => word.$operation(n, SeqCst),
            }
        }
    )*};
}

checked!(AtomicU16: u16, AtomicU32: u32, AtomicU64: u64, AtomicUsize: usize);
