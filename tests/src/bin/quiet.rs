//! Events under a filter that refuses and counts system calls: `quiet main|thread first|later|asking`.
//!
//! `later`: the filter begins after a first event, which lies deeper than the others; the later events have known and
//! new stacks. `first`: the filter includes the first event, and only refuses calls that read files or wait. `asking`
//! is a planted bug: an allocator that makes a system call at each event.

use std::alloc::{GlobalAlloc, Layout};
use std::hint::black_box;
use std::mem::offset_of;
use std::ptr::null_mut;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use memtrack::{DefaultRegion, MEMTRACK_REGION, Region, Tracker};
use memtrack_tests::allocators::Slots;
use memtrack_tests::say;

static HEAP: Tracker<Slots> = Tracker::with_region(Slots::new(), &MEMTRACK_REGION);

static ASKING_REGION: DefaultRegion = Region::new();
static ASKING: Tracker<Asking> = Tracker::with_region(Asking(Slots::new()), &ASKING_REGION);

const EVENTS: usize = 20_000;
/// Calls around the first event. They touch every page of the stack that later events reach: they are more than the
/// 40 calls of the later events and the function that makes them.
const DEEPER: usize = 48;
/// Calls that the filter refused, and the number of the last one.
static REFUSED: AtomicU64 = AtomicU64::new(0);
static LAST: AtomicU64 = AtomicU64::new(0);

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let work: fn() = match arguments[..] {
        [_, "first"] => || {
            refuse(&READING_OR_WAITING, false);
            events(&HEAP);
        },
        [_, "later"] => || {
            event(&HEAP, DEEPER);
            refuse(&NEEDED, true);
            events(&HEAP);
        },
        [_, "asking"] => || {
            event(&ASKING, DEEPER);
            refuse(&NEEDED, true);
            events(&ASKING);
        },
        _ => panic!("quiet main|thread first|later|asking"),
    };
    let then_end = move || {
        work();
        say!("events {EVENTS}");
        say!("system calls {}", REFUSED.load(Relaxed));
        say!("the last one {}", LAST.load(Relaxed));
        // SAFETY: it ends the process at once, and all output is written. A thread could not end under the filter.
        unsafe { libc::_exit(0) }
    };
    match arguments[0] {
        "thread" => std::thread::spawn(then_end).join().expect("the thread ends the process"),
        _ => then_end(),
    }
}

/// Allocates, reallocates and frees, under known and new stacks.
fn events(heap: &impl GlobalAlloc) {
    for number in 0..EVENTS / 3 {
        event(heap, 40 - number % 32);
    }
}

#[inline(never)]
fn event(heap: &impl GlobalAlloc, more: usize) -> usize {
    if more > 0 {
        return if more.is_multiple_of(3) { other(heap, more - 1) } else { event(heap, more - 1) }
            + black_box(1);
    }
    let (layout, larger) = (Layout::new::<[u64; 4]>(), Layout::new::<[u64; 8]>());
    // SAFETY: no layout has size zero; the block is freed once, with its current layout.
    unsafe {
        let block = heap.alloc(layout);
        let block = black_box(heap.realloc(block, layout, larger.size()));
        assert!(!block.is_null());
        heap.dealloc(block, larger);
    }
    black_box(0)
}

#[inline(never)]
fn other(heap: &impl GlobalAlloc, more: usize) -> usize {
    event(heap, more) + black_box(2)
}

/// An allocator that makes a system call at each allocation.
struct Asking(Slots);

// SAFETY: the inner allocator keeps the contract.
unsafe impl GlobalAlloc for Asking {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the call only returns a number; the caller upholds the rest.
        unsafe {
            libc::getppid();
            self.0.alloc(layout)
        }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: the caller upholds it.
        unsafe { self.0.dealloc(block, layout) };
    }
}

/// Calls that this program itself needs: to write its output, to end, and to return from the filter's signal.
const NEEDED: [libc::c_long; 3] = [libc::SYS_write, libc::SYS_exit_group, libc::SYS_rt_sigreturn];

/// Calls that read `/proc` or any other file, and calls that wait.
const READING_OR_WAITING: [libc::c_long; 12] = [
    libc::SYS_openat,
    libc::SYS_openat2,
    libc::SYS_read,
    libc::SYS_pread64,
    libc::SYS_readv,
    libc::SYS_newfstatat,
    libc::SYS_statx,
    libc::SYS_readlinkat,
    libc::SYS_futex,
    libc::SYS_nanosleep,
    libc::SYS_clock_nanosleep,
    libc::SYS_sched_yield,
];

/// From now on this thread's system calls are counted instead of made: those in `calls`, or all others.
fn refuse(calls: &[libc::c_long], all_others: bool) {
    const RETURN: u16 = (libc::BPF_RET | libc::BPF_K) as u16;
    const ALLOW: u32 = libc::SECCOMP_RET_ALLOW;
    const TRAP: u32 = libc::SECCOMP_RET_TRAP;
    let (listed, unlisted) = if all_others { (ALLOW, TRAP) } else { (TRAP, ALLOW) };
    let step = |code: u16, k: u32| libc::sock_filter { code, jt: 0, jf: 0, k };
    let load = (libc::BPF_LD | libc::BPF_W | libc::BPF_ABS) as u16;
    let mut filter = vec![step(load, offset_of!(libc::seccomp_data, nr) as u32)];
    for &call in calls {
        let equal = (libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K) as u16;
        filter.push(libc::sock_filter { code: equal, jt: 0, jf: 1, k: call as u32 });
        filter.push(step(RETURN, listed));
    }
    filter.push(step(RETURN, unlisted));
    let program = libc::sock_fprog { len: filter.len() as u16, filter: filter.as_mut_ptr() };
    // SAFETY: all-zero is an action without a mask; the handler has the right signature; the filter is valid for the
    // call. It is never freed, because the free might be a system call.
    unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        action.sa_sigaction = refused as *const () as libc::sighandler_t;
        action.sa_flags = libc::SA_SIGINFO;
        assert_eq!(libc::sigaction(libc::SIGSYS, &raw const action, null_mut()), 0);
        assert_eq!(libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
        let mode = libc::SECCOMP_MODE_FILTER;
        assert_eq!(libc::prctl(libc::PR_SET_SECCOMP, mode, &raw const program), 0, "a filter can be set");
    }
    std::mem::forget(filter);
}

extern "C" fn refused(_: libc::c_int, info: *mut libc::siginfo_t, _: *mut libc::c_void) {
    /// The offset of the call's number in the kernel's `siginfo_t` of SIGSYS: after three integers, padding, and an
    /// address.
    const NUMBER: usize = 24;
    REFUSED.fetch_add(1, Relaxed);
    // SAFETY: the kernel passes a record of 128 bytes.
    LAST.store(unsafe { info.byte_add(NUMBER).cast::<u32>().read() }.into(), Relaxed);
}
