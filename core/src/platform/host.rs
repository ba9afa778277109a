//! The host: threads, stacks, modules and files of Linux, through calls that neither allocate nor wait.

use super::{Local, Platform, Process};
use crate::os::linux::{calls, file, sandbox, stack, stamp, thread};
use crate::session::{generations, owner, registry};

/// Linux.
#[derive(Debug, Default, Clone, Copy)]
pub struct Host;

/// Trackers that one process can have. The unit tests, which are one process, have more.
pub(crate) const MAX_TRACKERS: usize = if cfg!(test) { 8 } else { 4 };

// SAFETY: `local` is thread-local storage without destructor; clock, ids and `mmap` are plain system calls; `stack`
// returns ranges that are readable (see `stack.rs`); the names, modules and command line are read
// outside the hook, but for the running thread's own name, which is one `prctl`.
unsafe impl Platform for Host {
    const TRACKERS: usize = MAX_TRACKERS;

    #[inline]
    fn local(&self, tracker: usize) -> Option<&Local> {
        thread::local(tracker)
    }

    fn reserve(&self) -> Option<usize> {
        registry::reserve()
    }

    fn barrier(&self) -> bool {
        thread::barrier()
    }

    fn now_ns(&self) -> u64 {
        clock(libc::CLOCK_MONOTONIC)
    }

    fn thread_id(&self) -> u64 {
        thread::id()
    }

    fn thread_name(&self, thread_id: u64) -> [u8; 16] {
        thread::name(thread_id)
    }

    fn thread_started(&self) {
        thread::started();
    }

    #[inline]
    fn stack(&self, local: &Local, sp: usize) -> Option<(usize, usize)> {
        stack::bounds(local, sp)
    }

    fn has_left(&self, local: &Local, entered: usize, sp: usize) -> bool {
        stack::has_left(local, entered, sp)
    }

    fn memory(&self, size: usize) -> *mut u8 {
        thread::map(size)
    }

    fn process(&self) -> Process {
        let (pid, parent) = (sandbox::pid(), calls::getppid().max(0));
        Process { pid, parent: parent as u32, unix_ns: clock(libc::CLOCK_REALTIME) }
    }

    fn identity(&self) -> Option<memtrack_format::Process> {
        Some(owner::this_process())
    }

    fn modules(&self, each: &mut dyn FnMut(&memtrack_format::Module<'_>)) {
        generations::modules(&mut |module| each(&stamp::stamped(module)));
    }

    fn command(&self, with: &mut dyn FnMut(&[u8])) {
        let mut buffer = [0; 1024];
        let n = file::read(c"/proc/self/cmdline", &mut buffer);
        with(buffer[..n].strip_suffix(&[0]).unwrap_or(&buffer[..n]));
    }
}

/// A number that the process gets anew at each `exec`: of the random bytes that the kernel gives a new program. They are
/// secret, for the C library guards stacks with them; their checksum tells nothing of any one of them.
pub(crate) fn image_number() -> u32 {
    // SAFETY: the kernel puts sixteen bytes there before the program begins, and they stay.
    unsafe {
        let random = libc::getauxval(libc::AT_RANDOM) as *const u8;
        if random.is_null() { 0 } else { memtrack_format::crc32(core::slice::from_raw_parts(random, 16)) }
    }
}

pub(crate) fn clock(id: libc::clockid_t) -> u64 {
    if !sandbox::allows_clocks() {
        return sandbox::last_time(id);
    }
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `time` is a timespec for the call to fill in.
    unsafe { libc::clock_gettime(id, &raw mut time) };
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}

/// Runs `f` and leaves `errno` as it was: an allocator that succeeds must not change it.
pub(crate) fn keep_errno<T>(f: impl FnOnce() -> T) -> T {
    // SAFETY: the location is the calling thread's own for its whole life.
    let errno = unsafe { &mut *libc::__errno_location() };
    let before = *errno;
    let result = f();
    *errno = before;
    result
}
