//! The stack on which snapshots are written.
//!
//! The problem: a snapshot needs room for paths, buffers and the encoder. A thread may have a stack as small as the
//! system allows, which is less.
//!
//! The idea: the tracker has one stack of its own, and a thread switches to it while it writes a snapshot. One thread
//! uses it at a time. That thread blocks signals meanwhile: a handler may need a large stack, and may leave by a jump.

use super::other_stack;
use super::patience::Patience;
use super::signal_mask;
use crate::limits::DUMP_STACK;
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

/// The thread that uses the stack, as [an address](other_stack::this_thread) of its own; 0 for none.
static OWNER: AtomicUsize = AtomicUsize::new(0);

/// Makes the lowest page inaccessible: an overflow is a fault. At the program's start.
pub(crate) fn begin() {
    // SAFETY: the range is the lowest page of the stack, and no data is ever there.
    unsafe { other_stack::forbid(STACK.0.get().cast(), GUARD) };
}

/// Runs `f` on the stack, with signals [blocked](signal_mask). `None` when another thread uses the stack longer than
/// `patience` allows, or when the caller itself is on it: then `f` has not run. `f` must not unwind.
pub(crate) fn run<T>(patience: Patience, f: impl FnOnce() -> T) -> Option<T> {
    let me = other_stack::this_thread();
    if !take(me, patience) {
        return None;
    }
    let result = signal_mask::while_blocked(|| change(f));
    OWNER.store(0, SeqCst);
    Some(result)
}

/// Frees the stack, because the thread that used it does not exist any more: in a forked child.
pub(crate) fn free() {
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
    // SAFETY: `low` is the stack's first byte and `top` is one past its last, and both are as aligned as the stack. The
    // calling thread owns the stack, so no frame is on it. `call` gets the pointer that it expects, and does not unwind.
    unsafe {
        let low = STACK.0.get().cast::<u8>();
        other_stack::on_stack(call::<T, F>, (&raw mut data).cast(), low.add(DUMP_STACK), low);
    }
    match data.result {
        Some(result) => result,
        None => unreachable!("the function was called"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
    fn debuggers_find_the_callers() {
        let trace = run_here(std::backtrace::Backtrace::force_capture).to_string();
        assert!(trace.contains("debuggers_find_the_callers"), "{trace}");
    }
}
