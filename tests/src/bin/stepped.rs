//! First events of threads, each interrupted by a signal whose handler allocates: in the first thread after the first
//! instruction, in the next thread after the second, and so on to the last. The processor's trap flag raises a signal
//! at every instruction.

#[cfg(target_arch = "x86_64")]
mod x86_64 {
    use std::alloc::{GlobalAlloc, Layout};
    use std::arch::asm;
    use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

    use memtrack::{Host, LossCause, NoUnwind, Region, Tracker};
    use memtrack_tests::allocators::Slots;
    use memtrack_tests::say;

    /// Two slots beside the tracker's own: threads of one name reuse a slot.
    type Tables = Region<1, 8, 4, 1, 1, 1>;
    static REGION: Tables = Tables::new();
    static HEAP: Tracker<Slots, NoUnwind, Host, Tables> =
        Tracker::with(Slots::new(), NoUnwind, Host, &REGION);

    /// Instructions of the event: far more than it has.
    const MOST: usize = 100_000;
    /// Unoptimised code has twenty times as many instructions. The stride is a prime, so that it does not always hit
    /// the same instructions of a loop.
    const STRIDE: usize = if cfg!(debug_assertions) { 97 } else { 1 };
    /// The trap flag of the processor.
    const TRAP: libc::greg_t = 0x100;

    /// Instructions of the event that have run, and the number of them after which the handler allocates.
    static RUN: AtomicUsize = AtomicUsize::new(0);
    static AT: AtomicUsize = AtomicUsize::new(0);

    pub(super) fn main() {
        // SAFETY: all-zero is a `sigaction` without mask; the handler has the right signature and is
        // async-signal-safe: it uses atomic operations, and this program's tracker and allocator.
        unsafe {
            let mut action: libc::sigaction = std::mem::zeroed();
            action.sa_sigaction = handler as *const () as libc::sighandler_t;
            action.sa_flags = libc::SA_SIGINFO;
            assert_eq!(libc::sigaction(libc::SIGTRAP, &raw const action, std::ptr::null_mut()), 0);
        }
        HEAP.check().unwrap();
        let mut threads = 0;
        for at in (1..MOST).step_by(STRIDE) {
            RUN.store(0, Relaxed);
            AT.store(at, Relaxed);
            let thread = std::thread::Builder::new().name("stepped".into()).spawn(events);
            thread.unwrap().join().unwrap();
            threads += 1;
            if RUN.load(Relaxed) < at {
                break;
            }
        }
        let stats = HEAP.stats();
        say!("threads {threads}");
        say!("slots taken {}", HEAP.threads().map(|thread| thread.count).sum::<u32>());
        say!("allocs {}", stats.total_allocs);
        say!("live {}", stats.live_bytes);
        say!("live-blocks {}", stats.live_blocks);
        say!("in the hook {}", HEAP.losses().map(|(_, events)| events).sum::<u64>());
        assert!(HEAP.losses().all(|(cause, _)| cause == LossCause::Reentered));
    }

    /// The first event is interrupted, the next one is not.
    fn events() {
        step(true);
        let first = allocate();
        step(false);
        free(first);
        free(allocate());
    }

    /// Turns the signal at every instruction on or off.
    fn step(on: bool) {
        // SAFETY: it changes a flag of the processor that no code relies on.
        unsafe {
            if on {
                asm!("pushfq", "or qword ptr [rsp], 0x100", "popfq");
            } else {
                asm!("pushfq", "and qword ptr [rsp], -0x101", "popfq");
            }
        }
    }

    const BLOCK: Layout = Layout::new::<[u8; 40]>();

    fn allocate() -> *mut u8 {
        // SAFETY: the size of the layout is not zero.
        let block = unsafe { HEAP.alloc(BLOCK) };
        assert!(!block.is_null());
        block
    }

    fn free(block: *mut u8) {
        // SAFETY: the block was allocated with this layout, and is freed once.
        unsafe { HEAP.dealloc(block, BLOCK) }
    }

    extern "C" fn handler(_: libc::c_int, _: *mut libc::siginfo_t, context: *mut libc::c_void) {
        if RUN.fetch_add(1, Relaxed) + 1 == AT.load(Relaxed) {
            free(allocate());
            // SAFETY: the system passes the context of the interrupted code, which may be changed here.
            let context = unsafe { &mut *context.cast::<libc::ucontext_t>() };
            context.uc_mcontext.gregs[libc::REG_EFL as usize] &= !TRAP;
        }
    }
}

fn main() {
    #[cfg(target_arch = "x86_64")]
    x86_64::main();
}
