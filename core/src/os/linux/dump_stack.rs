//! The stack on which snapshots are written.
//!
//! A thread may have a stack as small as the system allows, and a snapshot needs more than that: paths, buffers, the
//! encoder. So the tracker has one stack of its own, and whoever writes a snapshot changes to it. One snapshot is written
//! at a time. While a thread is there it gets no signals: a handler may need a large stack, and may not come back.

use super::errno::{self, keep_errno};
use super::signal_mask;
use crate::os::patience::Patience;
use crate::sync::*;
use core::cell::UnsafeCell;
use core::ffi::c_void;
use core::mem::MaybeUninit;

/// Several times what a snapshot needs: see the test. Code that is not optimised keeps every copy of a path on it.
const SIZE: usize = if cfg!(debug_assertions) { 1 << 20 } else { 128 << 10 };
/// The lowest part becomes inaccessible where it is a page of the system.
const GUARD: usize = 4096;

#[repr(C, align(4096))]
struct Stack(UnsafeCell<[MaybeUninit<u8>; SIZE]>);

// SAFETY: only the thread that `OWNER` names uses the bytes.
unsafe impl Sync for Stack {}

// Not a mapping: a failed allocation is a reason for a snapshot, so it has to be there already.
static STACK: Stack = Stack(UnsafeCell::new([MaybeUninit::uninit(); SIZE]));

/// The thread that runs on the stack, by the address of its `errno`; 0 for none.
static OWNER: AtomicUsize = AtomicUsize::new(0);

/// Makes the lowest page inaccessible. At the program's start.
pub(crate) fn begin() {
    // SAFETY: the range is the lowest page of the stack, which nothing uses yet or ever. A system with larger pages
    // refuses it.
    keep_errno(|| unsafe { libc::mprotect(STACK.0.get().cast(), GUARD, libc::PROT_NONE) });
}

/// Runs `f` on the stack and without signals. `None` when another snapshot is being written.
pub(crate) fn run<T>(patience: Patience, f: impl FnOnce() -> T) -> Option<T> {
    let me = errno::location();
    if !take(me, patience) {
        return None;
    }
    let result = signal_mask::without(|| change(f));
    OWNER.store(0, SeqCst);
    Some(result)
}

/// In a forked child, whose other threads are gone: none of them is on the stack.
pub(crate) fn forked() {
    OWNER.store(0, SeqCst);
}

fn take(me: usize, patience: Patience) -> bool {
    let attempt = || match OWNER.compare_exchange(0, me, SeqCst, SeqCst) {
        Ok(_) => Some(true),
        // The handler of a fault, in the middle of a snapshot.
        Err(owner) if owner == me => Some(false),
        Err(_) => None,
    };
    patience.wait(attempt).unwrap_or(false)
}

struct Call<F, T> {
    f: Option<F>,
    result: Option<T>,
}

#[inline(never)]
fn change<T, F: FnOnce() -> T>(f: F) -> T {
    extern "C" fn call<T, F: FnOnce() -> T>(call: *mut c_void) {
        // SAFETY: the pointer is that of the call below, which lasts as long as this function.
        let call = unsafe { &mut *call.cast::<Call<F, T>>() };
        call.result = call.f.take().map(|f| f());
    }
    let mut data = Call { f: Some(f), result: None };
    // SAFETY: the address is one past the stack's last byte, and aligned like the stack; the calling thread owns it, so no
    // frame is there. The function gets the pointer that it expects, and it does not unwind.
    unsafe {
        let top = STACK.0.get().cast::<u8>().add(SIZE);
        on_stack(call::<T, F>, (&raw mut data).cast(), top);
    }
    match data.result {
        Some(result) => result,
        None => unreachable!("the function was called"),
    }
}

// A frame with a frame pointer, whose caller is found by it whatever the stack pointer is: debuggers and unwinders walk
// through. Assembly of its own, because a function's inline assembly may not move the stack pointer.
#[cfg(target_arch = "x86_64")]
core::arch::global_asm!(
    ".pushsection .text.memtrack_on_stack,\"ax\",@progbits",
    ".hidden memtrack_on_stack",
    ".globl memtrack_on_stack",
    ".type memtrack_on_stack,@function",
    "memtrack_on_stack:",
    ".cfi_startproc",
    "push rbp",
    ".cfi_def_cfa_offset 16",
    ".cfi_offset rbp, -16",
    "mov rbp, rsp",
    ".cfi_def_cfa_register rbp",
    "mov rsp, rdx",
    "mov rax, rdi",
    "mov rdi, rsi",
    "call rax",
    "mov rsp, rbp",
    "pop rbp",
    ".cfi_def_cfa rsp, 8",
    "ret",
    ".cfi_endproc",
    ".size memtrack_on_stack, . - memtrack_on_stack",
    ".popsection",
);

#[cfg(target_arch = "aarch64")]
core::arch::global_asm!(
    ".pushsection .text.memtrack_on_stack,\"ax\",@progbits",
    ".hidden memtrack_on_stack",
    ".globl memtrack_on_stack",
    ".type memtrack_on_stack,@function",
    "memtrack_on_stack:",
    ".cfi_startproc",
    "stp x29, x30, [sp, #-16]!",
    ".cfi_def_cfa_offset 16",
    ".cfi_offset x29, -16",
    ".cfi_offset x30, -8",
    "mov x29, sp",
    ".cfi_def_cfa_register x29",
    "mov sp, x2",
    "mov x9, x0",
    "mov x0, x1",
    "blr x9",
    "mov sp, x29",
    ".cfi_def_cfa_register sp",
    "ldp x29, x30, [sp], #16",
    ".cfi_def_cfa_offset 0",
    ".cfi_restore x29",
    ".cfi_restore x30",
    "ret",
    ".cfi_endproc",
    ".size memtrack_on_stack, . - memtrack_on_stack",
    ".popsection",
);

#[cfg(target_arch = "riscv64")]
core::arch::global_asm!(
    ".pushsection .text.memtrack_on_stack,\"ax\",@progbits",
    ".hidden memtrack_on_stack",
    ".globl memtrack_on_stack",
    ".type memtrack_on_stack,@function",
    "memtrack_on_stack:",
    ".cfi_startproc",
    "addi sp, sp, -16",
    ".cfi_def_cfa_offset 16",
    "sd ra, 8(sp)",
    "sd s0, 0(sp)",
    ".cfi_offset ra, -8",
    ".cfi_offset s0, -16",
    "addi s0, sp, 16",
    ".cfi_def_cfa s0, 0",
    "mv sp, a2",
    "mv t0, a0",
    "mv a0, a1",
    "jalr t0",
    "addi sp, s0, -16",
    ".cfi_def_cfa sp, 16",
    "ld ra, 8(sp)",
    "ld s0, 0(sp)",
    ".cfi_restore ra",
    ".cfi_restore s0",
    "addi sp, sp, 16",
    ".cfi_def_cfa_offset 0",
    "ret",
    ".cfi_endproc",
    ".size memtrack_on_stack, . - memtrack_on_stack",
    ".popsection",
);

#[cfg(any(target_arch = "x86_64", target_arch = "aarch64", target_arch = "riscv64"))]
unsafe extern "C" {
    /// Calls `f` with `argument` on the stack below `top`.
    #[link_name = "memtrack_on_stack"]
    fn on_stack(f: extern "C" fn(*mut c_void), argument: *mut c_void, top: *mut u8);
}

/// On other machines a snapshot is written on the stack of the thread that asks for it, which has to have 32 KiB left.
///
/// # Safety
/// As for the assembly.
#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64", target_arch = "riscv64")))]
unsafe fn on_stack(f: extern "C" fn(*mut c_void), argument: *mut c_void, _: *mut u8) {
    f(argument);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::os::linux::calls;

    fn address() -> usize {
        let byte = 0u8;
        core::ptr::from_ref(core::hint::black_box(&byte)).addr()
    }

    fn is_on_stack() -> bool {
        (STACK.0.get().addr()..STACK.0.get().addr() + SIZE).contains(&address())
    }

    /// Runs as other tests may: one that finds the stack taken tries again.
    fn run_here<T>(f: impl FnOnce() -> T) -> T {
        run(Patience::Seconds, f).expect("no test stays on the stack for seconds")
    }

    #[test]
    fn a_function_runs_on_the_stack_and_comes_back() {
        assert!(!is_on_stack());
        let values = [1, 2, 3];
        let result = run_here(|| if cfg!(target_arch = "s390x") || is_on_stack() { values } else { [0; 3] });
        assert_eq!(result, [1, 2, 3]);
        assert!(!is_on_stack());
    }

    #[test]
    fn nobody_gets_it_twice_or_waits_for_himself() {
        run_here(|| {
            assert_eq!(run(Patience::Seconds, || ()), None, "at once, or this takes seconds");
            let other = std::thread::spawn(|| run(Patience::None, || ()));
            assert_eq!(other.join().unwrap(), None);
        });
    }

    #[test]
    fn signals_wait_meanwhile() {
        let mask = || {
            calls::set_signal_mask(signal_mask::HELD)
                .map(|before| calls::set_signal_mask(before).map(|_| before))
        };
        let (before, meanwhile) = (mask(), run_here(mask));
        let unblockable = 1 << (libc::SIGKILL - 1) | 1 << (libc::SIGSTOP - 1);
        assert_eq!(meanwhile, Some(Some(signal_mask::HELD & !unblockable)));
        assert_eq!(mask(), before);
    }

    #[test]
    fn debuggers_find_the_callers() {
        let trace = run_here(std::backtrace::Backtrace::force_capture).to_string();
        assert!(trace.contains("debuggers_find_the_callers"), "{trace}");
    }
}
