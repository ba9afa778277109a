//! Threads: their words, ids, names, and what happens when they end.

use crate::os::linux::calls;
use crate::platform::Local;
use crate::platform::host::{MAX_TRACKERS, keep_errno};
use crate::session::registry;
use crate::sync::*;

thread_local! {
    // Constant and without destructor: reading it never allocates and never fails.
    static LOCALS: [Local; MAX_TRACKERS] = const { [const { Local::new() }; MAX_TRACKERS] };
}

/// Keys up to this number are kept in the thread's own block by glibc: setting one allocates nothing.
const INLINE_KEYS: u32 = 32;
/// How often glibc runs the destructors of keys that are set again: `PTHREAD_DESTRUCTOR_ITERATIONS`. The key's value
/// counts them.
const ROUNDS: usize = 4;
const FIRST_ROUND: usize = 1;
/// The key plus one whose destructor tells that a thread ends; 0 before it exists.
static EXIT_KEY: AtomicU32 = AtomicU32::new(0);

#[inline]
pub(crate) fn local(tracker: usize) -> Option<&'static Local> {
    LOCALS
        .try_with(|locals| {
            // SAFETY: the words live as long as the thread; only this thread gets the reference, and a `Local` is
            // made of atomics. The tracker uses it only while it runs on this thread.
            (tracker < MAX_TRACKERS).then(|| unsafe { &*core::ptr::from_ref(&locals[tracker]) })
        })
        .ok()
        .flatten()
}

/// The number of the calling thread's slot, when it has one.
pub(crate) fn slot(tracker: usize) -> Option<u16> {
    let state = local(tracker)?.state.load(Relaxed) & !Local::BUSY;
    (state != 0 && state != Local::GONE).then(|| (state - 1) as u16)
}

/// In a forked child: the calling thread's slot is the parent's. With its next event it begins like a new one.
pub(crate) fn forked(tracker: usize) {
    let Some(local) = local(tracker) else { return };
    let state = local.state.load(Relaxed);
    if state & Local::BUSY != 0 || state == Local::GONE {
        // It takes its slot just now, shares one with others, or has ended.
        return;
    }
    let memory = local.memory.swap(core::ptr::null_mut(), Relaxed);
    // A signal's handler forks, perhaps, in the middle of the hook, which goes on with that memory.
    if !local.slot().is_some_and(|slot| slot.share.is_inside()) {
        unmap(memory);
    }
    local.slot.store(core::ptr::null_mut(), Relaxed);
    local.last_cell.store(0, Relaxed);
    local.state.store(0, Relaxed);
}

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
        let n = crate::os::linux::file::read(path, &mut name);
        if let Some(newline) = name[..n].iter().position(|&byte| byte == b'\n') {
            name[newline] = 0;
        }
    }
    name
}

/// Asks to be told when the running thread ends.
pub(crate) fn started() {
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
    for (place, region) in registry::all() {
        let Some(local) = registry::words(place).and_then(local) else { continue };
        let Some(slot) = local.end() else { continue };
        region.thread_ended(slot, name(id()));
        unmap(local.memory.swap(core::ptr::null_mut(), Relaxed));
    }
    crate::session::recording::refresh();
}

/// Starts a thread of the tracker's own, which gets no signals and is never joined. The system's error number.
pub(crate) fn detached(run: extern "C" fn(*mut libc::c_void) -> *mut libc::c_void) -> libc::c_int {
    /// For a dump: its buffers, and the file's path.
    const STACK: usize = 256 << 10;
    // SAFETY: attributes, signal sets and the thread's id are written before they are read; the function lives as long
    // as the program and needs no argument; the name is a C string.
    unsafe {
        let mut attributes = core::mem::zeroed();
        libc::pthread_attr_init(&raw mut attributes);
        libc::pthread_attr_setstacksize(&raw mut attributes, STACK);
        libc::pthread_attr_setdetachstate(&raw mut attributes, libc::PTHREAD_CREATE_DETACHED);
        let mut thread = 0;
        // A new thread has its maker's signal mask.
        let code = crate::os::linux::signal_mask::without(|| {
            libc::pthread_create(&raw mut thread, &raw const attributes, run, core::ptr::null_mut())
        });
        libc::pthread_attr_destroy(&raw mut attributes);
        if code == 0 {
            libc::pthread_setname_np(thread, c"memtrack".as_ptr());
        }
        code
    }
}

/// A full barrier on all running threads of the process: `membarrier`, Linux ≥ 4.14.
pub(crate) fn barrier() -> bool {
    const EXPEDITED: libc::c_int = 1 << 3;
    const REGISTER_EXPEDITED: libc::c_int = 1 << 4;
    let call = |command: libc::c_int| calls::membarrier(command) == 0;
    keep_errno(|| call(EXPEDITED) || call(REGISTER_EXPEDITED) && call(EXPEDITED))
}

/// Bytes in front of a mapping that say how long it is.
const MAP_HEAD: usize = 64;

/// The front of a mapping is made resident at once. There an unwinder keeps what it needs for each frame, all over the
/// place: one page after the other, each read first and then written, cost two faults a page and half of a thread's
/// first event.
const AT_ONCE: usize = 68 << 10;

/// Zeroed memory straight from the system.
pub(crate) fn map(size: usize) -> *mut u8 {
    let Some(length) = size.checked_add(MAP_HEAD) else { return core::ptr::null_mut() };
    let base = keep_errno(|| calls::map(length));
    if base.is_null() {
        return core::ptr::null_mut();
    }
    // Kernels before 5.14 do not know it, and make pages resident one by one.
    keep_errno(|| calls::populate(base, length.min(AT_ONCE)));
    // SAFETY: the mapping is page-aligned and longer than its head.
    unsafe {
        base.cast::<usize>().write(length);
        base.cast::<u8>().add(MAP_HEAD)
    }
}

fn unmap(memory: *mut u8) {
    if !memory.is_null() {
        // SAFETY: `memory` came from `map`, and the thread that used it has ended for the tracker.
        unsafe {
            let base = memory.sub(MAP_HEAD).cast::<usize>();
            calls::unmap(base.cast(), base.read());
        }
    }
}
