//! Frames that Rust cannot express: one whose size is known only at run time, and frames that are left by a jump.
//! Only x86_64.

use std::ffi::c_void;

use crate::walk::Walk;

/// Calls `f` from a frame with this many bytes of locals.
pub(crate) fn with_dynamic(bytes: usize, walk: &mut Walk, f: fn(&mut Walk)) {
    call(walk, f, |then, call| {
        // SAFETY: `then` is called once with `call`, which is valid during the call.
        unsafe { memtrack_test_dynamic(bytes, then, call) }
    });
}

/// A place to jump back to.
#[derive(Clone, Copy, Default)]
pub(crate) struct Place(usize);

/// Calls `f`. Returns when `f` returns, or when it jumps to the place in `walk`.
pub(crate) fn catch(walk: &mut Walk, f: fn(&mut Walk)) {
    let place: *mut usize = &raw mut walk.place.0;
    call(walk, f, |then, call| {
        // SAFETY: as above; `place` is valid for a word.
        unsafe { memtrack_test_catch(place, then, call) }
    });
}

/// Leaves all frames inside [`catch`].
///
/// # Safety
/// `catch` must be running with this place, and none of the frames inside it may have a value to drop.
pub(crate) unsafe fn jump(place: Place) -> ! {
    // SAFETY: the caller upholds it.
    unsafe { memtrack_test_jump(place.0) }
}

type Call<'w> = (fn(&mut Walk), &'w mut Walk);

fn call(walk: &mut Walk, f: fn(&mut Walk), run: impl FnOnce(unsafe extern "C" fn(*mut c_void), *mut c_void)) {
    unsafe extern "C" fn then(call: *mut c_void) {
        // SAFETY: this is the pointer passed below.
        let (f, walk) = unsafe { &mut *call.cast::<Call<'_>>() };
        f(walk);
        std::hint::black_box(());
    }
    let mut call: Call<'_> = (f, walk);
    run(then, (&raw mut call).cast());
}

unsafe extern "C" {
    fn memtrack_test_dynamic(bytes: usize, then: unsafe extern "C" fn(*mut c_void), call: *mut c_void);
    fn memtrack_test_catch(place: *mut usize, then: unsafe extern "C" fn(*mut c_void), call: *mut c_void);
    fn memtrack_test_jump(place: usize) -> !;
}

std::arch::global_asm!(
    ".pushsection .text.memtrack_test, \"ax\", @progbits",
    // C's variable-length array: only the frame pointer determines where the frame ends.
    ".hidden memtrack_test_dynamic",
    ".globl memtrack_test_dynamic",
    "memtrack_test_dynamic:",
    ".cfi_startproc",
    "push rbp",
    ".cfi_def_cfa_offset 16",
    ".cfi_offset rbp, -16",
    "mov rbp, rsp",
    ".cfi_def_cfa_register rbp",
    "sub rsp, rdi",
    "and rsp, -16",
    "mov rdi, rdx",
    "call rsi",
    "leave",
    ".cfi_def_cfa rsp, 8",
    "ret",
    ".cfi_endproc",
    // C's `setjmp` and its caller: saves the callee-saved registers and the stack pointer.
    ".hidden memtrack_test_catch",
    ".globl memtrack_test_catch",
    "memtrack_test_catch:",
    ".cfi_startproc",
    "push rbp",
    ".cfi_def_cfa_offset 16",
    ".cfi_offset rbp, -16",
    "push rbx",
    ".cfi_def_cfa_offset 24",
    ".cfi_offset rbx, -24",
    "push r12",
    ".cfi_def_cfa_offset 32",
    ".cfi_offset r12, -32",
    "push r13",
    ".cfi_def_cfa_offset 40",
    ".cfi_offset r13, -40",
    "push r14",
    ".cfi_def_cfa_offset 48",
    ".cfi_offset r14, -48",
    "push r15",
    ".cfi_def_cfa_offset 56",
    ".cfi_offset r15, -56",
    "push rax",
    ".cfi_def_cfa_offset 64",
    "mov [rdi], rsp",
    "mov rdi, rdx",
    "call rsi",
    ".Lmemtrack_test_caught:",
    "pop rax",
    ".cfi_def_cfa_offset 56",
    "pop r15",
    ".cfi_def_cfa_offset 48",
    "pop r14",
    ".cfi_def_cfa_offset 40",
    "pop r13",
    ".cfi_def_cfa_offset 32",
    "pop r12",
    ".cfi_def_cfa_offset 24",
    "pop rbx",
    ".cfi_def_cfa_offset 16",
    "pop rbp",
    ".cfi_def_cfa_offset 8",
    "ret",
    ".cfi_endproc",
    // C's `longjmp`.
    ".hidden memtrack_test_jump",
    ".globl memtrack_test_jump",
    "memtrack_test_jump:",
    ".cfi_startproc",
    "mov rsp, rdi",
    "jmp .Lmemtrack_test_caught",
    ".cfi_endproc",
    ".popsection",
);
