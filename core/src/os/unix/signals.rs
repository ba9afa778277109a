//! Signals that ask for a snapshot.
//!
//! The tracker puts a handler of its own in front of the program's. After the snapshot the signal does what it does
//! without the tracker: it runs the program's handler, or its default action. There is one exception. Signals whose
//! meaning only the program defines (USR1, USR2, real-time signals) do nothing else where the program has no handler,
//! although their default action ends the process.

use super::calls;
use super::errno::{errno, keep_errno};
use super::signal_names::DAMAGED;
use super::signal_numbers::{COUNT, has_no_action};
use crate::Error;
use crate::os::callbacks::callbacks;
use crate::sync::*;
use core::ffi::c_void;
use core::mem::MaybeUninit;
use core::ptr::null_mut;

pub(crate) use super::signal_names::{EXPECTED, parse};

/// The program's action for a signal: its handler, `SIG_DFL` or `SIG_IGN`, and its flags.
struct Previous {
    handler: AtomicUsize,
    flags: AtomicU32,
}

static PREVIOUS: [Previous; COUNT] =
    [const { Previous { handler: AtomicUsize::new(libc::SIG_DFL), flags: AtomicU32::new(0) } }; COUNT];

/// The default action of a signal, as far as the tracker lets it happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum DefaultAction {
    Nothing,
    /// It ends or stops the process.
    EndOrStop,
}

impl DefaultAction {
    fn of(signal: libc::c_int) -> DefaultAction {
        match signal {
            libc::SIGUSR1 | libc::SIGUSR2 | libc::SIGCHLD | libc::SIGCONT | libc::SIGURG | libc::SIGWINCH => {
                DefaultAction::Nothing
            }
            other if has_no_action(other) => DefaultAction::Nothing,
            _ => DefaultAction::EndOrStop,
        }
    }
}

/// Calls [`Callbacks::signal`](crate::os::Callbacks) whenever the process gets `signal`, and then does what the program
/// has set for the signal. [`Error::Signal`] for a signal that cannot ask for a snapshot. Outside the hook.
pub(crate) fn dump_on(signal: libc::c_int) -> Result<(), Error> {
    let previous = usize::try_from(signal).ok().and_then(|signal| PREVIOUS.get(signal));
    let Some(previous) = previous.filter(|_| !DAMAGED.contains(&signal)) else {
        return Err(Error::Signal(libc::EINVAL));
    };
    let mut before = MaybeUninit::<libc::sigaction>::uninit();
    // SAFETY: the call writes the record when it returns 0, and only then it is read.
    let before = unsafe {
        if libc::sigaction(signal, core::ptr::null(), before.as_mut_ptr()) != 0 {
            return Err(Error::Signal(errno()));
        }
        before.assume_init()
    };
    if before.sa_sigaction == handler as *const () as usize {
        return Ok(());
    }
    previous.handler.store(before.sa_sigaction, Relaxed);
    previous.flags.store(before.sa_flags as u32, Release);
    install(signal, before)
}

/// Installs the handler, with the mask and the flags of the program's action.
fn install(signal: libc::c_int, before: libc::sigaction) -> Result<(), Error> {
    let mut action = before;
    action.sa_sigaction = handler as *const () as usize;
    match before.sa_sigaction {
        // A system call that the signal interrupts goes on, as it does after a signal that does nothing.
        libc::SIG_DFL => action.sa_flags |= libc::SA_RESTART | libc::SA_ONSTACK,
        // A program that ignores SIGCHLD has no zombies: NOCLDWAIT preserves that.
        libc::SIG_IGN => action.sa_flags |= libc::SA_RESTART | libc::SA_ONSTACK | libc::SA_NOCLDWAIT,
        _ => {}
    }
    action.sa_flags = (action.sa_flags | libc::SA_SIGINFO) & !(libc::SA_RESETHAND as libc::c_int);
    // SAFETY: the record is the system's, with a handler whose signature fits SA_SIGINFO.
    let result = unsafe { libc::sigaction(signal, &raw const action, null_mut()) };
    if result == 0 { Ok(()) } else { Err(Error::Signal(errno())) }
}

/// The tracker's handler: reports the signal, and passes it on to the program's handler.
extern "C" fn handler(signal: libc::c_int, info: *mut libc::siginfo_t, context: *mut c_void) {
    let Some(previous) = PREVIOUS.get(signal as usize) else { return };
    let flags = previous.flags.load(Acquire) as libc::c_int;
    let before = if flags & libc::SA_RESETHAND as libc::c_int != 0 {
        previous.handler.swap(libc::SIG_DFL, AcqRel)
    } else {
        previous.handler.load(Relaxed)
    };
    let acts = before == libc::SIG_DFL && DefaultAction::of(signal) == DefaultAction::EndOrStop;
    if let Some(callbacks) = callbacks() {
        keep_errno(|| (callbacks.signal)(signal, acts));
    }
    if before == libc::SIG_DFL || before == libc::SIG_IGN {
        return;
    }
    // SAFETY: the program has set this function for the signal. SA_SIGINFO says which of the two signatures it has.
    unsafe {
        if flags & libc::SA_SIGINFO != 0 {
            type Handler = extern "C" fn(libc::c_int, *mut libc::siginfo_t, *mut c_void);
            core::mem::transmute::<usize, Handler>(before)(signal, info, context);
        } else {
            core::mem::transmute::<usize, extern "C" fn(libc::c_int)>(before)(signal);
        }
    }
}

/// Performs the default action of `signal` in its handler. Returns when the action did not end the process: the process
/// was stopped and goes on.
pub(crate) fn act_by_default(signal: libc::c_int) {
    // SAFETY: all-zero is a valid action without flags and mask, and the calls write the sets before they are read.
    //
    // The signal is sent to this thread, which blocks it in its handler. It acts when the thread unblocks it.
    unsafe {
        let mut ours: libc::sigaction = core::mem::zeroed();
        let mut default: libc::sigaction = core::mem::zeroed();
        default.sa_sigaction = libc::SIG_DFL;
        libc::sigaction(signal, &raw const default, &raw mut ours);
        let (mut only, mut before) = (core::mem::zeroed(), core::mem::zeroed());
        libc::sigemptyset(&raw mut only);
        libc::sigaddset(&raw mut only, signal);
        calls::signal_this_thread(signal);
        libc::pthread_sigmask(libc::SIG_UNBLOCK, &raw const only, &raw mut before);
        libc::pthread_sigmask(libc::SIG_SETMASK, &raw const before, null_mut());
        libc::sigaction(signal, &raw const ours, null_mut());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signals_of_a_damaged_program_are_refused() {
        for signal in [libc::SIGSEGV, libc::SIGKILL, -1, 0, 65, 1000] {
            assert_eq!(dump_on(signal), Err(Error::Signal(libc::EINVAL)), "{signal}");
        }
    }

    #[test]
    fn what_only_the_program_gives_a_meaning_does_nothing_else() {
        for signal in [libc::SIGUSR1, libc::SIGUSR2, libc::SIGWINCH] {
            assert_eq!(DefaultAction::of(signal), DefaultAction::Nothing, "{signal}");
        }
        for signal in [libc::SIGTERM, libc::SIGINT, libc::SIGHUP, libc::SIGQUIT, libc::SIGALRM, libc::SIGTSTP]
        {
            assert_eq!(DefaultAction::of(signal), DefaultAction::EndOrStop, "{signal}");
        }
    }
}
