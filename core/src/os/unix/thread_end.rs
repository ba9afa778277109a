//! A callback at a thread's end, by the destructor of a key of the C library.

use crate::os::callbacks::callbacks;
use crate::sync::*;

/// The C library has room for the values of keys below this number in each thread: setting one allocates nothing. glibc has
/// it in the control block, musl beside the stack. FreeBSD's gets the room for all keys from the kernel, at the thread's first key, under
/// a lock that no code of the program holds: signals wait meanwhile.
const INLINE_KEYS: u32 = if cfg!(target_os = "freebsd") {
    257
} else if cfg!(target_env = "musl") {
    128
} else {
    32
};
/// The rounds in which the C library runs the destructors of keys that are set again: `PTHREAD_DESTRUCTOR_ITERATIONS`. The
/// value of the exit key is the number of the round.
const ROUNDS: usize = 4;
const FIRST_ROUND: usize = 1;
/// One more than the exit key, whose destructor reports the end of a thread; 0 before the key exists.
static EXIT_KEY: AtomicU32 = AtomicU32::new(0);

/// Requests [`Callbacks::thread_ended`](crate::os::Callbacks) for the end of the running thread. Where the system
/// cannot report it, nothing calls back.
pub(crate) fn watch_end() {
    let key = match EXIT_KEY.load(Acquire) {
        0 => make_key(),
        key => key - 1,
    };
    if key < INLINE_KEYS {
        // SAFETY: the key exists. Any value that is not null makes the destructor run, which only counts with it.
        unsafe { libc::pthread_setspecific(key as libc::pthread_key_t, FIRST_ROUND as *const libc::c_void) };
    }
}

fn make_key() -> u32 {
    let mut key: libc::pthread_key_t = 0;
    // SAFETY: the call writes `key`. The destructor has the right signature, and its code stays loaded.
    if unsafe { libc::pthread_key_create(&raw mut key, Some(ended)) } != 0 {
        return INLINE_KEYS;
    }
    match EXIT_KEY.compare_exchange(0, key as u32 + 1, AcqRel, Acquire) {
        Ok(_) => key as u32,
        Err(theirs) => {
            // SAFETY: this thread made the key, and nobody else knows it.
            unsafe { libc::pthread_key_delete(key) };
            theirs - 1
        }
    }
}

/// The destructor of the exit key. Runs on a thread that ends, after the destructors of its thread-locals, once a
/// round.
unsafe extern "C" fn ended(round: *mut libc::c_void) {
    // Destructors of other keys may still allocate in later rounds. The last round is the thread's end.
    if let Some(next) = (round as usize).checked_add(1).filter(|&next| next <= ROUNDS)
        && let Some(key) = EXIT_KEY.load(Acquire).checked_sub(1)
    {
        // SAFETY: the key exists, and any value is valid.
        unsafe { libc::pthread_setspecific(key as libc::pthread_key_t, next as *const libc::c_void) };
        return;
    }
    if let Some(callbacks) = callbacks() {
        (callbacks.thread_ended)();
    }
}
