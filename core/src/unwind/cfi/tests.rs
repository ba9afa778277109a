//! The walk against libgcc's, frame by frame.

use super::*;
use crate::unwind::registers;
use core::ffi::c_void;
use std::sync::Mutex;

/// The stack as the unwinder of the C runtime sees it: addresses inside the calls, innermost first.
fn reference() -> Vec<usize> {
    #[repr(C)]
    struct Context([u8; 0]);
    unsafe extern "C" {
        fn _Unwind_Backtrace(each: extern "C" fn(*mut Context, *mut c_void) -> i32, into: *mut c_void)
        -> i32;
        fn _Unwind_GetIPInfo(context: *mut Context, before: *mut i32) -> usize;
    }
    extern "C" fn each(context: *mut Context, into: *mut c_void) -> i32 {
        let mut before = 0;
        // SAFETY: the context is valid during the call; `into` is exclusively the caller's.
        unsafe {
            let pc = _Unwind_GetIPInfo(context, &raw mut before);
            (*into.cast::<Vec<usize>>()).push(if before != 0 { pc } else { pc.wrapping_sub(1) });
        }
        0
    }
    let mut frames = Vec::new();
    // SAFETY: `each` is called with the vector only during the call.
    unsafe { _Unwind_Backtrace(each, (&raw mut frames).cast()) };
    while frames.last().is_some_and(|&pc| pc == usize::MAX || pc == 0) {
        frames.pop();
    }
    frames
}

fn walked(cache: Option<&mut Memo>) -> (Vec<usize>, End) {
    let from = registers();
    let local = crate::platform::Local::new();
    let prove = |sp| crate::platform::Platform::stack(&crate::platform::Host, &local, sp);
    let mut frames = heapless::Vec::<usize, 4096>::new();
    let end = Cfi.walk(from, Memory::at(from.sp, &prove).unwrap(), cache, &mut frames);
    (frames.to_vec(), end)
}

/// Both walks from here outwards agree but for this function's own frames.
#[inline(never)]
fn check() -> usize {
    // SAFETY: all-zero is an empty cache.
    let mut memo: Box<Memo> = unsafe { Box::new_zeroed().assume_init() };
    let (mine, end) = walked(None);
    let (cached, _) = walked(Some(&mut memo));
    let (again, _) = walked(Some(&mut memo));
    let theirs = reference();
    assert_eq!(end, End::Complete);
    let common = mine.iter().rev().zip(theirs.iter().rev()).take_while(|(a, b)| a == b).count();
    // What differs is `walked` against `reference` and the line in here that calls each.
    assert!(theirs.len() - common <= 3, "differ from frame {common} of\n{mine:x?}\n{theirs:x?}");
    for other in [&cached, &again] {
        assert_eq!(mine.len(), other.len());
        assert_eq!(mine[mine.len() - common..], other[mine.len() - common..]);
    }
    core::hint::black_box(common)
}

#[inline(never)]
fn recurse(n: usize, pad: &dyn Fn() -> usize) -> usize {
    let space = core::hint::black_box([n; 7]);
    if n == 0 { check() } else { recurse(n - 1, pad) + pad() - pad() + space[0] - n }
}

#[test]
fn recursion_agrees() {
    let shallow = recurse(0, &|| 1);
    assert_eq!(recurse(40, &|| 1), shallow + 40);
}

#[test]
fn a_spawned_thread_agrees() {
    std::thread::spawn(|| assert!(check() > 2)).join().unwrap();
}

#[test]
fn calls_back_from_c_agree() {
    static DEPTH: Mutex<usize> = Mutex::new(0);
    extern "C" fn compare(a: *const libc::c_void, b: *const libc::c_void) -> i32 {
        *DEPTH.lock().unwrap() = check();
        // SAFETY: `qsort` passes pointers to two of the integers.
        unsafe { *a.cast::<i32>() - *b.cast::<i32>() }
    }
    let mut numbers = [3, 1, 2];
    // SAFETY: three integers of four bytes.
    unsafe { libc::qsort(numbers.as_mut_ptr().cast(), 3, 4, Some(compare)) };
    assert_eq!(numbers, [1, 2, 3]);
    assert!(*DEPTH.lock().unwrap() > 3);
}

#[test]
fn a_signal_handler_agrees_to_the_interrupted_code_and_beyond() {
    static DEPTH: Mutex<usize> = Mutex::new(0);
    extern "C" fn handler(_: i32) {
        *DEPTH.lock().unwrap() = check();
    }
    // SAFETY: the handler has the right signature; raising the signal runs it on this thread.
    unsafe {
        libc::signal(libc::SIGUSR2, handler as extern "C" fn(i32) as libc::sighandler_t);
        libc::raise(libc::SIGUSR2);
    }
    assert!(*DEPTH.lock().unwrap() > 5);
}

#[test]
fn a_panic_that_was_caught_leaves_the_walk_right() {
    let caught = std::panic::catch_unwind(|| {
        check();
        std::panic::panic_any(7);
    });
    assert!(caught.is_err());
    check();
}
