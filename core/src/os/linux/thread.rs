//! Threads: ids, names, a callback at their end, and threads of the tracker's own.

use super::errno::keep_errno;
use super::{calls, file, signal_mask};
use crate::os::callbacks::callbacks;
use crate::sync::*;

/// Keys up to this number are kept in the thread's own block by glibc: setting one allocates nothing.
const INLINE_KEYS: u32 = 32;
/// How often glibc runs the destructors of keys that are set again: `PTHREAD_DESTRUCTOR_ITERATIONS`. The key's value
/// counts them.
const ROUNDS: usize = 4;
const FIRST_ROUND: usize = 1;
/// The key plus one whose destructor tells that a thread ends; 0 before it exists.
static EXIT_KEY: AtomicU32 = AtomicU32::new(0);

/// The system's number of the running thread.
pub(crate) fn id() -> u64 {
    calls::gettid().max(0) as u64
}

/// A thread's name: the running one's by a system call, another's from `/proc`.
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

/// From now on the end of the running thread calls back.
pub(crate) fn watch_end() {
    let key = match EXIT_KEY.load(Acquire) {
        0 => make_key(),
        key => key - 1,
    };
    if key < INLINE_KEYS {
        // SAFETY: the key exists; any value that is not null makes the destructor run.
        unsafe { libc::pthread_setspecific(key, FIRST_ROUND as *const libc::c_void) };
    }
}

fn make_key() -> u32 {
    let mut key = 0;
    // SAFETY: `key` is written; the destructor has the right signature and lives as long as the program.
    if unsafe { libc::pthread_key_create(&raw mut key, Some(ended)) } != 0 {
        return INLINE_KEYS;
    }
    match EXIT_KEY.compare_exchange(0, key + 1, AcqRel, Acquire) {
        Ok(_) => key,
        Err(theirs) => {
            // SAFETY: the key was made above and nobody else knows it.
            unsafe { libc::pthread_key_delete(key) };
            theirs - 1
        }
    }
}

/// Runs on a thread that ends, after the destructors of its thread-locals, once in each round.
unsafe extern "C" fn ended(round: *mut libc::c_void) {
    // Others' destructors may still allocate: the thread's last round of them is the end.
    if let Some(next) = (round as usize).checked_add(1).filter(|&next| next <= ROUNDS)
        && let Some(key) = EXIT_KEY.load(Acquire).checked_sub(1)
    {
        // SAFETY: the key exists, and glibc keeps its value in the thread's own block.
        unsafe { libc::pthread_setspecific(key, next as *const libc::c_void) };
        return;
    }
    if let Some(callbacks) = callbacks() {
        (callbacks.thread_ended)();
    }
}

/// Starts a thread of the tracker's own, which gets no signals and is never joined. The system's error number.
pub(crate) fn spawn(run: fn()) -> Result<(), i32> {
    /// For a snapshot: its buffers, and the file's path.
    const STACK: usize = 256 << 10;

    extern "C" fn start(run: *mut libc::c_void) -> *mut libc::c_void {
        // SAFETY: the argument is the function that `spawn` passes below.
        let run = unsafe { core::mem::transmute::<*mut libc::c_void, fn()>(run) };
        run();
        core::ptr::null_mut()
    }

    // SAFETY: attributes, signal sets and the thread's id are written before they are read; the function lives as long
    // as the program, and gets the argument that it expects; the name is a C string.
    let code = unsafe {
        let mut attributes = core::mem::zeroed();
        libc::pthread_attr_init(&raw mut attributes);
        libc::pthread_attr_setstacksize(&raw mut attributes, STACK);
        libc::pthread_attr_setdetachstate(&raw mut attributes, libc::PTHREAD_CREATE_DETACHED);
        let mut thread = 0;
        // A new thread has its maker's signal mask.
        let code = signal_mask::without(|| {
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

/// A full barrier on all running threads of the process: `membarrier`, Linux ≥ 4.14.
pub(crate) fn barrier() -> bool {
    const EXPEDITED: libc::c_int = 1 << 3;
    const REGISTER_EXPEDITED: libc::c_int = 1 << 4;
    let call = |command: libc::c_int| calls::membarrier(command) == 0;
    keep_errno(|| call(EXPEDITED) || call(REGISTER_EXPEDITED) && call(EXPEDITED))
}

/// Whether a thread of this process has not ended.
pub(crate) fn runs(id: u32) -> bool {
    // SAFETY: signal 0 is none: the call only asks for the thread.
    unsafe { libc::syscall(libc::SYS_tgkill, libc::getpid(), id, 0) == 0 }
}

/// Lets other threads run.
pub(crate) fn yield_now() {
    calls::sched_yield();
}
