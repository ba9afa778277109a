//! The program presses Ctrl-C or Ctrl-Break in its own console, with a block of 12345 bytes alive.

use std::ffi::c_void;
use std::hint::black_box;
use std::io::Error;
use std::mem::transmute;
use std::process::ExitCode;
use std::ptr::without_provenance_mut;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::thread;
use std::time::Duration;

use crate::HEAP;
use crate::system::{
    CTRL_BREAK_EVENT, CTRL_C_EVENT, GenerateConsoleCtrlEvent, GetModuleHandleA, GetProcAddress,
    SetConsoleCtrlHandler,
};

/// The longest wait for the key, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);
/// The signals of these keys in C.
const SIGINT: i32 = 2;
const SIGBREAK: i32 = 21;
/// The exit codes: of a program that has handled the key, and of one that the key has not ended.
const HANDLED: u8 = 5;
const NOT_ENDED: u8 = 6;

static PRESSED: AtomicBool = AtomicBool::new(false);

/// The program's own handler: the key does not end the program.
unsafe extern "system" fn handle(_: u32) -> i32 {
    PRESSED.store(true, SeqCst);
    1
}

/// Presses a key in the program's console; false where that cannot be.
fn press(event: u32) -> bool {
    // SAFETY: the call takes numbers. The group 0 is the console's.
    unsafe { GenerateConsoleCtrlEvent(event, 0) != 0 || event == CTRL_BREAK_EVENT && start_routine(event) }
}

/// Starts what the system starts at a key: its routine for handlers, in a thread. Wine does not know Ctrl-Break as a key.
///
/// # Safety
/// The event must be a key's.
unsafe fn start_routine(event: u32) -> bool {
    type Routine = unsafe extern "system" fn(*mut c_void) -> u32;
    // SAFETY: the names end with a NUL. The system's function has this type, and gets an event as its argument.
    unsafe {
        let routine = GetProcAddress(GetModuleHandleA(c"kernelbase.dll".as_ptr()), c"CtrlRoutine".as_ptr());
        if routine.is_null() {
            return false;
        }
        let routine = transmute::<*const c_void, Routine>(routine);
        thread::spawn(move || routine(without_provenance_mut(event as usize)));
    }
    true
}

pub(crate) fn run(key: &str, end: &str) -> ExitCode {
    let (event, signal) = if key == "break" { (CTRL_BREAK_EVENT, SIGBREAK) } else { (CTRL_C_EVENT, SIGINT) };
    let kept = {
        let _tag = HEAP.tag("work");
        Vec::<u8>::with_capacity(black_box(12345))
    };
    // SAFETY: the handler has the right signature. Without one the call makes the process obey Ctrl-C, which a parent may
    // have turned off.
    let is_set = unsafe {
        SetConsoleCtrlHandler(None, 0);
        end == "default" || SetConsoleCtrlHandler(Some(handle), 1) != 0
    };
    // The last request puts the tracker's handler in front of the program's.
    let is_asked = end != "asked" || HEAP.dump_on_signal(signal).is_ok();
    if !(is_set && is_asked && press(event)) {
        eprintln!("on-windows: there is no console: {}", Error::last_os_error());
        return ExitCode::FAILURE;
    }
    let step = Duration::from_millis(10);
    for _ in 0..PATIENCE.as_millis() / step.as_millis() {
        if PRESSED.load(SeqCst) {
            black_box(kept);
            return ExitCode::from(HANDLED);
        }
        thread::sleep(step);
    }
    ExitCode::from(NOT_ENDED)
}
