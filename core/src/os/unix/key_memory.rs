//! Memory of each thread's own by a key of the C library, and the end of threads.
//!
//! The problem: on some systems a thread's first access to a `thread_local!` calls `malloc`: dyld does so on macOS, and on Android
//! `__emutls_get_address`, by which Rust's compiler has thread-locals for all versions. (Android's own linker has them from API
//! level 29 on.) A library that replaces `malloc` would call itself, and a signal's handler would wait for the lock of `malloc`.
//!
//! The idea: the C library has a word of each thread for a key, in the thread's own record: setting it takes neither memory nor a
//! lock, on Android from API level 23 on. The word has the address of pages that the thread's first access maps. The key's
//! destructor reports the thread's end.

use super::calls;
use super::errno::keep_errno;
use crate::os::callbacks::callbacks;
use crate::sync::*;
use core::cell::Cell;
use core::ffi::c_void;
use core::ptr::without_provenance_mut;

/// One more than the key; 0 before it exists.
static KEY: AtomicUsize = AtomicUsize::new(0);
/// The word of a thread that has ended. A thread without memory has 0.
const ENDED: usize = 1;
/// The rounds in which the C library runs the destructors of keys that are set again: `PTHREAD_DESTRUCTOR_ITERATIONS`.
const ROUNDS: u32 = 4;

/// The pages of a thread.
#[repr(C)]
struct Memory<T> {
    head: Head,
    value: T,
}

#[repr(C)]
struct Head {
    /// The size of the mapping.
    size: usize,
    /// The rounds of destructors that are over.
    rounds: Cell<u32>,
}

/// Declares a function that returns memory of the running thread's own: `$initial` at first, at the same place as long as
/// the thread runs, and `None` where the thread has none: when the system has no memory, and at the thread's very end.
/// `$initial` is a constant, and the type has no destructor: so the first access neither allocates nor fails. A program
/// declares one such function.
#[cfg(any(target_os = "macos", target_os = "android"))]
macro_rules! thread_memory {
    ($(#[$attribute:meta])* fn $name:ident() -> $type:ty = $initial:expr) => {
        $(#[$attribute])*
        #[inline(always)]
        fn $name() -> Option<&'static $type> {
            // SAFETY: this is the only function that uses the key, so the type is always the same.
            unsafe { crate::os::thread_memory::get::<$type>(|| const { $initial }) }
        }
    };
}
#[cfg(any(target_os = "macos", target_os = "android"))]
pub(crate) use thread_memory;

/// Requests [`Callbacks::thread_ended`](crate::os::Callbacks) for the end of the running thread. Here there is nothing to
/// request: the end of each thread with [memory](get) of its own is reported.
#[cfg(any(target_os = "macos", target_os = "android"))]
pub(crate) fn watch_end() {}

/// The word of the running thread.
#[inline(always)]
fn word() -> *mut c_void {
    match KEY.load(Relaxed) {
        0 => core::ptr::null_mut(),
        // SAFETY: the key exists. The call only reads a word of the thread's record.
        key => unsafe { libc::pthread_getspecific(key as libc::pthread_key_t - 1) },
    }
}

/// The memory of the running thread.
///
/// # Safety
/// All calls must have the same type.
#[inline(always)]
pub(crate) unsafe fn get<T: Sync + 'static>(initial: impl FnOnce() -> T) -> Option<&'static T> {
    // The atomics of a model are to be dropped, and no model has a thread's memory.
    const { assert!(cfg!(models) || !core::mem::needs_drop::<T>(), "nobody drops it") };
    let word = word();
    let memory: *const Memory<T> =
        if word.addr() > ENDED { word.cast() } else { make(word.addr(), initial)? };
    // SAFETY: `make` has mapped the memory for this thread and has written a value of the only type. `ended` unmaps it when
    // all code of the thread has run.
    Some(unsafe { &(*memory).value })
}

#[cold]
#[inline(never)]
fn make<T>(word: usize, initial: impl FnOnce() -> T) -> Option<*const Memory<T>> {
    if word == ENDED {
        return None;
    }
    keep_errno(|| {
        let (key, size) = (key()?, size_of::<Memory<T>>());
        let memory = calls::map(size).cast::<Memory<T>>();
        if memory.is_null() {
            return None;
        }
        // SAFETY: the pages are new, aligned, and as large as the value. The key exists.
        unsafe {
            memory.write(Memory { head: Head { size, rounds: Cell::new(0) }, value: initial() });
            if libc::pthread_setspecific(key, memory.cast()) != 0 {
                calls::unmap(memory.cast(), size);
                return None;
            }
        }
        Some(memory.cast_const())
    })
}

/// The key, which the first call makes.
fn key() -> Option<libc::pthread_key_t> {
    if let Some(key) = KEY.load(Acquire).checked_sub(1) {
        return Some(key as libc::pthread_key_t);
    }
    let mut key = 0;
    // SAFETY: the call writes `key`. The destructor has the right signature, and its code stays loaded: a library that
    // contains memtrack is never unloaded.
    if unsafe { libc::pthread_key_create(&raw mut key, Some(ended)) } != 0 {
        return None;
    }
    match KEY.compare_exchange(0, key as usize + 1, AcqRel, Acquire) {
        Ok(_) => Some(key),
        Err(theirs) => {
            // SAFETY: this thread made the key, and nobody else knows it.
            unsafe { libc::pthread_key_delete(key) };
            Some((theirs - 1) as libc::pthread_key_t)
        }
    }
}

/// The destructor of the key. Runs on a thread that ends, once a round, with the word that the thread had.
unsafe extern "C" fn ended(memory: *mut c_void) {
    let Some(key) = KEY.load(Acquire).checked_sub(1).filter(|_| memory.addr() > ENDED) else { return };
    let key = key as libc::pthread_key_t;
    // SAFETY: the memory is the thread's, mapped by `make`, and begins with its head. The key exists, and any word is valid.
    unsafe {
        let head = &*memory.cast::<Head>();
        // The C library has cleared the word.
        libc::pthread_setspecific(key, memory);
        let rounds = head.rounds.get() + 1;
        head.rounds.set(rounds);
        // Destructors of other keys may still allocate in later rounds. The last round is the thread's end.
        if rounds < ROUNDS {
            return;
        }
        if let Some(callbacks) = callbacks() {
            (callbacks.thread_ended)();
        }
        let size = head.size;
        libc::pthread_setspecific(key, without_provenance_mut::<c_void>(ENDED));
        calls::unmap(memory, size);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::os::errno::{errno, set_errno};

    /// The key of the tests has memory of this type alone.
    type Words = [AtomicUsize; 3];

    fn memory() -> Option<&'static Words> {
        // SAFETY: no other test uses this key, and this one always has the same type.
        unsafe { get(|| const { [const { AtomicUsize::new(5) }; 3] }) }
    }

    #[test]
    fn each_thread_has_memory_of_its_own_until_all_destructors_have_run() {
        /// The rounds of destructors in which the thread had its memory.
        static ROUNDS_WITH_MEMORY: AtomicUsize = AtomicUsize::new(0);
        unsafe extern "C" fn destructor(key: *mut c_void) {
            if memory().is_some_and(|words| words[0].load(Relaxed) == 7) {
                ROUNDS_WITH_MEMORY.fetch_add(1, Relaxed);
            }
            // SAFETY: the word is the key plus one. It makes this function run again.
            unsafe { libc::pthread_setspecific((key.addr() - 1) as libc::pthread_key_t, key) };
        }
        let mut other = 0;
        // SAFETY: the call writes the key.
        assert_eq!(unsafe { libc::pthread_key_create(&raw mut other, Some(destructor)) }, 0);
        let run = move || {
            set_errno(77);
            let first = memory().unwrap();
            assert_eq!((errno(), first[0].load(Relaxed)), (77, 5));
            first[0].store(7, Relaxed);
            assert!(core::ptr::eq(first, memory().unwrap()));
            // SAFETY: the key exists, and its word is not 0, so the destructor runs.
            unsafe {
                libc::pthread_setspecific(other, without_provenance_mut::<c_void>(other as usize + 1));
            }
            core::ptr::from_ref(first).addr()
        };
        let here = memory().unwrap();
        let there = std::thread::spawn(run).join().unwrap();
        assert_ne!(core::ptr::from_ref(here).addr(), there);
        assert_eq!(here[0].load(Relaxed), 5);
        let seen = ROUNDS_WITH_MEMORY.load(Relaxed);
        assert!(seen == ROUNDS as usize || seen == ROUNDS as usize - 1, "{seen}");
    }
}
