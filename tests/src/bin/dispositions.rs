//! A signal that triggers a dump and has a disposition in the program:
//! `dispositions default|ignored|handled|once NUMBER`.

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use memtrack::Tracker;
use memtrack_tests::say;

#[global_allocator]
static HEAP: Tracker<std::alloc::System> = Tracker::new(std::alloc::System);

/// Calls of the handler with the right arguments and signal mask.
static CALLS: AtomicUsize = AtomicUsize::new(0);

extern "C" fn handler(signal: libc::c_int, info: *mut libc::siginfo_t, context: *mut libc::c_void) {
    // SAFETY: the kernel passes the record of this signal.
    let number = unsafe { (*info).si_signo };
    let mut mask: libc::sigset_t = empty();
    // SAFETY: the set is valid for the call.
    let blocked = unsafe {
        libc::pthread_sigmask(libc::SIG_SETMASK, std::ptr::null(), &raw mut mask);
        [signal, libc::SIGWINCH, libc::SIGURG].map(|signal| libc::sigismember(&raw const mask, signal))
    };
    // The signal itself and those of the program's mask are blocked, and no other.
    if number == signal && !context.is_null() && blocked == [1, 1, 0] {
        CALLS.fetch_add(1, Relaxed);
    }
}

fn empty() -> libc::sigset_t {
    // SAFETY: all-zero is a set, and the call empties it.
    unsafe {
        let mut set = std::mem::zeroed();
        libc::sigemptyset(&raw mut set);
        set
    }
}

fn main() {
    let mut arguments = std::env::args().skip(1);
    let how = arguments.next().expect("a disposition");
    let signal: libc::c_int = arguments.next().and_then(|number| number.parse().ok()).expect("a signal");
    let (action, flags) = match how.as_str() {
        "default" => (libc::SIG_DFL, 0),
        "ignored" => (libc::SIG_IGN, 0),
        "handled" => (handler as *const () as usize, libc::SA_SIGINFO),
        "once" => (handler as *const () as usize, libc::SA_SIGINFO | libc::SA_RESETHAND as libc::c_int),
        other => panic!("no disposition {other}"),
    };
    // SAFETY: the action is filled in; the handler has the right signature and is async-signal-safe.
    unsafe {
        let mut new: libc::sigaction = std::mem::zeroed();
        (new.sa_sigaction, new.sa_flags, new.sa_mask) = (action, flags, empty());
        libc::sigaddset(&raw mut new.sa_mask, libc::SIGWINCH);
        assert_eq!(libc::sigaction(signal, &raw const new, std::ptr::null_mut()), 0);
    }
    HEAP.dump_on_signal(signal).expect("the tracker handles the signal");
    for _ in 0..2 {
        // SAFETY: raises a signal that the tracker handles.
        unsafe { libc::raise(signal) };
    }
    say!("calls {}", CALLS.load(Relaxed));
}
