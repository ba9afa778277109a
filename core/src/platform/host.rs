//! The platform of a process of an operating system: it passes each question on to the folder `os` or `session`.

use super::{Local, Platform, Process};
use crate::limits::MAX_TRACKERS;
use crate::os::{clock, memory, modules, process, thread};
use crate::session::registry;
use crate::session::{generations, owner, stack_bounds, thread_words};

/// The operating system that the program runs on.
#[derive(Debug, Default, Clone, Copy)]
pub struct Host;

// SAFETY: `local` returns thread-local storage, which each thread has its own of, without a destructor. Clock, ids,
// barrier and memory are plain system calls, which neither allocate nor wait for locks of other code; the memory is a
// mapping of its own, zeroed by the system. `stack_bounds` returns ranges that are readable: it says why. Names of other
// threads, modules and command line are read outside the hook; the running thread's own name is one system call.
unsafe impl Platform for Host {
    const TRACKERS: usize = MAX_TRACKERS;

    #[inline]
    fn local(&self, tracker: usize) -> Option<&Local> {
        thread_words::local(tracker)
    }

    fn reserve(&self) -> Option<usize> {
        registry::reserve_thread_words()
    }

    fn barrier(&self) -> bool {
        thread::barrier()
    }

    fn now_ns(&self) -> u64 {
        clock::monotonic()
    }

    fn thread_id(&self) -> u64 {
        thread::id()
    }

    fn thread_name(&self, thread_id: u64) -> [u8; 16] {
        thread::name(thread_id)
    }

    fn thread_started(&self) {
        thread::watch_end();
    }

    #[inline]
    fn stack(&self, local: &Local, sp: usize) -> Option<(usize, usize)> {
        stack_bounds::bounds(local, sp)
    }

    fn has_left(&self, local: &Local, entered: usize, sp: usize) -> bool {
        stack_bounds::has_left(local, entered, sp)
    }

    fn memory(&self, size: usize) -> *mut u8 {
        memory::for_unwinder(size)
    }

    fn process(&self) -> Process {
        Process { pid: process::id(), parent: process::parent(), unix_ns: clock::since_1970() }
    }

    fn identity(&self) -> Option<memtrack_format::Process> {
        Some(owner::this_process())
    }

    fn modules(&self, each: &mut dyn FnMut(&memtrack_format::Module<'_>)) {
        generations::modules(&mut |module| each(&modules::stamped(module)));
    }

    fn command(&self, with: &mut dyn FnMut(&[u8])) {
        let mut buffer = [0; 1024];
        let n = process::command_line(&mut buffer);
        with(buffer[..n].strip_suffix(&[0]).unwrap_or(&buffer[..n]));
    }
}
