//! Threads: ids, names, a callback at a thread's end, a thread of the tracker's own, and a barrier on all threads.

use super::errno::keep_errno;
use super::{calls, file, signal_mask};
use crate::limits::THREAD_STACK;
use crate::os::callbacks::callbacks;
use crate::sync::*;

/// The C library has room for the values of keys below this number in each thread: setting one allocates nothing. glibc has
/// it in the control block, musl beside the stack.
const INLINE_KEYS: u32 = if cfg!(target_env = "musl") { 128 } else { 32 };
/// The rounds in which the C library runs the destructors of keys that are set again: `PTHREAD_DESTRUCTOR_ITERATIONS`. The
/// value of the exit key is the number of the round.
const ROUNDS: usize = 4;
const FIRST_ROUND: usize = 1;
/// One more than the exit key, whose destructor reports the end of a thread; 0 before the key exists.
static EXIT_KEY: AtomicU32 = AtomicU32::new(0);

/// The system's id of the running thread, which no other live thread of the process has; 0 when it is unknown.
pub(crate) fn id() -> u64 {
    keep_errno(|| calls::gettid().max(0) as u64)
}

/// The name of a thread of this process, up to its first NUL byte; all zero when it is unknown. A longer name is cut
/// off.
///
/// Here: one system call for the running thread, and a file of `/proc` for another one.
pub(crate) fn name(thread_id: u64) -> [u8; 16] {
    let mut name = [0; 16];
    if thread_id == id() {
        // SAFETY: the array has room for 16 bytes.
        keep_errno(|| unsafe { calls::thread_name(name.as_mut_ptr()) });
        return name;
    }
    let mut path = heapless::String::<64>::new();
    if core::fmt::write(&mut path, format_args!("/proc/self/task/{thread_id}/comm\0")).is_ok()
        && let Ok(path) = core::ffi::CStr::from_bytes_with_nul(path.as_bytes())
    {
        let n = file::read(path, &mut name);
        if let Some(newline) = name[..n].iter().position(|&byte| byte == b'\n') {
            name[newline] = 0;
        }
    }
    name
}

/// Requests [`Callbacks::thread_ended`](crate::os::Callbacks) for the end of the running thread. Where the system
/// cannot report it, nothing calls back.
pub(crate) fn watch_end() {
    let key = match EXIT_KEY.load(Acquire) {
        0 => make_key(),
        key => key - 1,
    };
    if key < INLINE_KEYS {
        // SAFETY: the key exists. Any value that is not null makes the destructor run, which only counts with it.
        unsafe { libc::pthread_setspecific(key, FIRST_ROUND as *const libc::c_void) };
    }
}

fn make_key() -> u32 {
    let mut key = 0;
    // SAFETY: the call writes `key`. The destructor has the right signature, and its code stays loaded.
    if unsafe { libc::pthread_key_create(&raw mut key, Some(ended)) } != 0 {
        return INLINE_KEYS;
    }
    match EXIT_KEY.compare_exchange(0, key + 1, AcqRel, Acquire) {
        Ok(_) => key,
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
        unsafe { libc::pthread_setspecific(key, next as *const libc::c_void) };
        return;
    }
    if let Some(callbacks) = callbacks() {
        (callbacks.thread_ended)();
    }
}

/// Starts a thread of the tracker's own, which runs `run`, gets no signals and is never joined. The error is the
/// system's error number. Allocates and locks: outside the hook.
pub(crate) fn spawn(run: fn()) -> Result<(), i32> {
    extern "C" fn start(run: *mut libc::c_void) -> *mut libc::c_void {
        // SAFETY: the argument is the function pointer that `spawn` passes below.
        let run = unsafe { core::mem::transmute::<*mut libc::c_void, fn()>(run) };
        run();
        core::ptr::null_mut()
    }

    // SAFETY: the calls write the attributes and the thread's id before others read them. `start` has the right
    // signature and gets the argument that it expects. The name is a C string.
    let code = unsafe {
        let mut attributes = core::mem::zeroed();
        libc::pthread_attr_init(&raw mut attributes);
        libc::pthread_attr_setstacksize(&raw mut attributes, THREAD_STACK);
        libc::pthread_attr_setdetachstate(&raw mut attributes, libc::PTHREAD_CREATE_DETACHED);
        let mut thread = core::mem::zeroed::<libc::pthread_t>();
        // A new thread inherits the signal mask of the thread that starts it.
        let code = signal_mask::while_blocked(|| {
            libc::pthread_create(&raw mut thread, &raw const attributes, start, run as *mut libc::c_void)
        });
        libc::pthread_attr_destroy(&raw mut attributes);
        if code == 0 {
            libc::pthread_setname_np(thread, c"memtrack".as_ptr());
        }
        code
    };
    if code == 0 { Ok(()) } else { Err(code) }
}

/// Makes every running thread of the process execute a full memory barrier before this returns. False when the system
/// cannot: then no thread has. Restores `errno`.
///
/// Here: `membarrier`, from Linux 4.14 on.
pub(crate) fn barrier() -> bool {
    const EXPEDITED: libc::c_int = 1 << 3;
    const REGISTER_EXPEDITED: libc::c_int = 1 << 4;
    let call = |command: libc::c_int| calls::membarrier(command) == 0;
    keep_errno(|| call(EXPEDITED) || call(REGISTER_EXPEDITED) && call(EXPEDITED))
}

/// Whether the thread of this process with the system's id `id` has not ended yet. May change `errno`.
pub(crate) fn is_running(id: u32) -> bool {
    // SAFETY: signal 0 is never sent: the call only checks that the thread exists.
    unsafe { libc::syscall(libc::SYS_tgkill, libc::getpid(), id, 0) == 0 }
}

/// Gives the processor to other threads for a moment.
pub(crate) fn yield_now() {
    calls::sched_yield();
}
