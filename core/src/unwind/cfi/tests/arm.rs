//! Functions in assembly for ARM: such that a signal interrupts in front of the push of the return address, behind it, and where none is
//! pushed; and such with each of the two frame pointers.

use super::{assert_goes_on, captured, check, walked};
use crate::unwind::End;
use core::ffi::c_void;
use std::sync::Mutex;
use std::vec::Vec;

/// A function for a test, with the instruction set of its code.
macro_rules! function {
    ($set:literal, $name:literal, $($line:literal),*) => {
        core::arch::global_asm!(
            concat!(".pushsection .text.", $name, ",\"ax\",%progbits"),
            $set,
            ".balign 4",
            concat!(".hidden ", $name),
            concat!(".globl ", $name),
            concat!(".type ", $name, ",%function"),
            concat!($name, ":"),
            ".fnstart",
            $($line,)*
            ".fnend",
            ".arm",
            ".popsection",
        );
    };
}

function!(
    ".arm",
    "memtrack_test_arm",
    "udf #0",
    "push {{r4, lr}}",
    ".save {{r4, lr}}",
    "udf #0",
    "pop {{r4, pc}}"
);
function!(
    ".thumb\n.thumb_func",
    "memtrack_test_thumb",
    "udf #0",
    "push {{r4, lr}}",
    ".save {{r4, lr}}",
    "udf #0",
    "pop {{r4, pc}}"
);
function!(".arm", "memtrack_test_leaf", "sub sp, #8", ".pad #8", "udf #0", "add sp, #8", "bx lr");

// They make room of a size that only the caller knows, as C does for an array of variable length, and call a function.
function!(
    ".arm",
    "memtrack_test_first",
    "push {{r4, r11, lr}}",
    ".save {{r4, r11, lr}}",
    "add r11, sp, #4",
    ".setfp r11, sp, #4",
    "sub sp, sp, r0",
    "blx r1",
    "sub sp, r11, #4",
    "pop {{r4, r11, pc}}"
);
function!(
    ".thumb\n.thumb_func",
    "memtrack_test_second",
    "push {{r4, r7, lr}}",
    ".save {{r4, r7, lr}}",
    "add r7, sp, #0",
    ".setfp r7, sp",
    "sub.w sp, sp, r0",
    "blx r1",
    "mov sp, r7",
    "pop {{r4, r7, pc}}"
);

unsafe extern "C" {
    fn memtrack_test_first(bytes: usize, then: extern "C" fn());
    fn memtrack_test_second(bytes: usize, then: extern "C" fn());
    fn memtrack_test_arm();
    fn memtrack_test_thumb();
    fn memtrack_test_leaf();
}

static FOUND: Mutex<Vec<(Vec<usize>, Option<End>)>> = Mutex::new(Vec::new());

/// Notes the stack, and goes on behind the instruction that does not exist.
extern "C" fn handler(_: i32, _: *mut libc::siginfo_t, context: *mut c_void) {
    const THUMB: libc::c_ulong = 1 << 5;
    let (frames, end) = walked(None);
    FOUND.lock().unwrap().push((frames, Some(end)));
    // SAFETY: the kernel passes the interrupted code's registers.
    let registers = unsafe { &mut (*context.cast::<libc::ucontext_t>()).uc_mcontext };
    registers.arm_pc += if registers.arm_cpsr & THUMB == 0 { 4 } else { 2 };
}

#[test]
fn a_stack_leads_through_code_that_has_not_saved_its_return_address() {
    // SAFETY: the handler has the right signature, and the functions keep all registers.
    let here = unsafe {
        let mut action: libc::sigaction = core::mem::zeroed();
        action.sa_sigaction = handler as *const () as usize;
        action.sa_flags = libc::SA_SIGINFO;
        assert_eq!(libc::sigaction(libc::SIGILL, &raw const action, core::ptr::null_mut()), 0);
        memtrack_test_arm();
        memtrack_test_thumb();
        memtrack_test_leaf();
        walked(None)
    };
    let found = FOUND.lock().unwrap();
    assert_eq!(found.len(), 5);
    let depths: Vec<usize> = found.iter().map(|inside| inside.0.len()).collect();
    // Each of the functions is one frame.
    assert!(depths.iter().all(|depth| *depth == depths[0]), "{depths:?}");
    found.iter().for_each(|inside| assert_goes_on(inside, &here));
}

#[test]
fn a_stack_leads_through_code_with_either_frame_pointer() {
    static FOUND: Mutex<Vec<usize>> = Mutex::new(Vec::new());
    extern "C" fn innermost() {
        let (depth, remembered) = (check(), captured());
        assert!((depth..depth + 3).contains(&remembered.len()));
        FOUND.lock().unwrap().push(depth);
    }
    // Both kinds of frames are on the stack, so that a walk needs both registers.
    extern "C" fn between() {
        // SAFETY: with the three registers the size keeps the stack pointer aligned.
        unsafe { memtrack_test_second(4100, innermost) };
    }
    // SAFETY: the same.
    unsafe {
        memtrack_test_first(260, innermost);
        memtrack_test_second(1028, innermost);
        memtrack_test_first(12, between);
    }
    let depths = FOUND.lock().unwrap();
    assert_eq!((depths[1], depths[2]), (depths[0], depths[0] + 2));
}
