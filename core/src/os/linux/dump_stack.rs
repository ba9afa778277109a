//! The stack on which snapshots are written.
//!
//! The problem: a snapshot needs room for paths, buffers and the encoder. A thread may have a stack as small as the
//! system allows, which is less.
//!
//! The idea: the tracker has one stack of its own, and a thread switches to it while it writes a snapshot. One thread
//! uses it at a time. That thread blocks signals meanwhile: a handler may need a large stack, and may leave by a jump.

use super::errno::{self, keep_errno};
use super::signal_mask;
use crate::limits::DUMP_STACK;
use crate::os::patience::Patience;
use crate::sync::*;
use core::cell::UnsafeCell;
use core::ffi::c_void;
use core::mem::MaybeUninit;

/// The lowest bytes become inaccessible where they are a page of the system.
const GUARD: usize = 4096;

#[repr(C, align(4096))]
struct Stack(UnsafeCell<[MaybeUninit<u8>; DUMP_STACK]>);

// SAFETY: only the thread that `OWNER` identifies uses the bytes.
unsafe impl Sync for Stack {}

// A static, because a failed allocation triggers a snapshot: then a mapping may fail as well.
static STACK: Stack = Stack(UnsafeCell::new([MaybeUninit::uninit(); DUMP_STACK]));

/// The thread that uses the stack, as the address of its `errno`; 0 for none.
static OWNER: AtomicUsize = AtomicUsize::new(0);

/// Makes the lowest page inaccessible: an overflow is a fault. At the program's start.
pub(crate) fn begin() {
    // SAFETY: the range is the lowest page of the stack, and no data is ever there. A system with larger pages refuses
    // the call.
    keep_errno(|| unsafe { libc::mprotect(STACK.0.get().cast(), GUARD, libc::PROT_NONE) });
}

/// Runs `f` on the stack, with signals [blocked](signal_mask). `None` when another thread uses the stack longer than
/// `patience` allows, or when the caller itself is on it: then `f` has not run. `f` must not unwind.
pub(crate) fn run<T>(patience: Patience, f: impl FnOnce() -> T) -> Option<T> {
    let me = errno::location();
    if !take(me, patience) {
        return None;
    }
    let result = signal_mask::while_blocked(|| change(f));
    OWNER.store(0, SeqCst);
    Some(result)
}

/// In a forked child: frees the stack. A thread that used it exists only in the parent.
pub(crate) fn forked() {
    OWNER.store(0, SeqCst);
}

fn take(me: usize, patience: Patience) -> bool {
    let attempt = || match OWNER.compare_exchange(0, me, SeqCst, SeqCst) {
        Ok(_) => Some(true),
        // The caller is the handler of a fault that happened on the stack.
        Err(owner) if owner == me => Some(false),
        Err(_) => None,
    };
    patience.wait(attempt).unwrap_or(false)
}

/// A function for the other stack, and the room for its result.
struct Call<F, T> {
    f: Option<F>,
    result: Option<T>,
}

/// Calls `f` on the stack, which the calling thread owns.
#[inline(never)]
fn change<T, F: FnOnce() -> T>(f: F) -> T {
    extern "C" fn call<T, F: FnOnce() -> T>(call: *mut c_void) {
        // SAFETY: the pointer is to `data` below, which outlives this function and which nobody else uses meanwhile.
        let call = unsafe { &mut *call.cast::<Call<F, T>>() };
        call.result = call.f.take().map(|f| f());
    }
    let mut data = Call { f: Some(f), result: None };
    // SAFETY: `top` is one past the stack's last byte, and as aligned as the stack. The calling thread owns the stack,
    // so no frame is on it. `call` gets the pointer that it expects, and does not unwind.
    unsafe {
        let top = STACK.0.get().cast::<u8>().add(DUMP_STACK);
        on_stack(call::<T, F>, (&raw mut data).cast(), top);
    }
    match data.result {
        Some(result) => result,
        None => unreachable!("the function was called"),
    }
}

// The frame has a frame pointer, from which debuggers and unwinders find the caller although the stack pointer has
// moved. It is global assembly, because inline assembly must not move the stack pointer.
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
    /// Calls `f` with `argument` on the stack whose first frame lies below `top`.
    #[link_name = "memtrack_on_stack"]
    fn on_stack(f: extern "C" fn(*mut c_void), argument: *mut c_void, top: *mut u8);
}

/// On other machines a snapshot is written on the caller's stack, which needs 32 KiB.
///
/// # Safety
/// `argument` must be what `f` takes.
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
        (STACK.0.get().addr()..STACK.0.get().addr() + DUMP_STACK).contains(&address())
    }

    /// Runs `f` on the stack, and waits while another test uses it.
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
            calls::set_signal_mask(signal_mask::BLOCKED)
                .map(|before| calls::set_signal_mask(before).map(|_| before))
        };
        let (before, meanwhile) = (mask(), run_here(mask));
        let unblockable = 1 << (libc::SIGKILL - 1) | 1 << (libc::SIGSTOP - 1);
        assert_eq!(meanwhile, Some(Some(signal_mask::BLOCKED & !unblockable)));
        assert_eq!(mask(), before);
    }

    #[test]
    fn debuggers_find_the_callers() {
        let trace = run_here(std::backtrace::Backtrace::force_capture).to_string();
        assert!(trace.contains("debuggers_find_the_callers"), "{trace}");
    }
}
