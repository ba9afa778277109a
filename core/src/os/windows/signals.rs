//! Signals that ask for a snapshot: the keys Ctrl-C (INT) and Ctrl-Break (BREAK) of a console, and what sends the same.
//!
//! The system runs the handlers of a process on a thread that it starts for them, the last one first. The tracker's handler
//! asks for the snapshot and leaves the rest to the handlers before it, the last of which ends the process. A handler that the
//! program adds later comes first, and the tracker's runs only if that one leaves the key to it.

use super::detach;
use super::errno::{INVALID, errno};
use super::system::SetConsoleCtrlHandler;
use crate::Error;
use crate::os::callbacks::callbacks;
use crate::sync::*;

/// The numbers of these signals in C, and of their events in the system.
const INT: i32 = 2;
const BREAK: i32 = 21;
const CTRL_C_EVENT: u32 = 0;
const CTRL_BREAK_EVENT: u32 = 1;

/// The values that [`parse`] accepts, for a message about one that it does not.
pub(crate) const EXPECTED: &str = "INT or BREAK, the keys Ctrl-C and Ctrl-Break";

/// The events that ask for a snapshot, as bits. The handler exists if there are any.
static ASKING: AtomicU32 = AtomicU32::new(0);

/// The number of a signal by its name, with or without `SIG`, or by its digits; `None` for any other text.
pub(crate) fn parse(name: &[u8]) -> Option<i32> {
    let short = match name.split_at_checked(3) {
        Some((prefix, short)) if prefix.eq_ignore_ascii_case(b"SIG") => short,
        _ => name,
    };
    let known: [(&[u8], i32); 2] = [(b"INT", INT), (b"BREAK", BREAK)];
    let by_name =
        known.iter().find(|(known, _)| known.eq_ignore_ascii_case(short)).map(|(_, signal)| *signal);
    by_name.or(match name {
        b"2" => Some(INT),
        b"21" => Some(BREAK),
        _ => None,
    })
}

/// Calls [`Callbacks::signal`](crate::os::Callbacks) whenever the process gets `signal`, and then does what the program
/// has set for the signal. [`Error::Signal`] for a signal that cannot ask for a snapshot. Outside the hook.
///
/// Here the handlers that the program has set before the latest call run behind the tracker's.
pub(crate) fn dump_on(signal: i32) -> Result<(), Error> {
    let event = match signal {
        INT => CTRL_C_EVENT,
        BREAK => CTRL_BREAK_EVENT,
        _ => return Err(Error::Signal(INVALID)),
    };
    let before = ASKING.fetch_or(1 << event, AcqRel);
    // SAFETY: the handler has the right signature, and its code stays loaded.
    let is_added = unsafe {
        if before != 0 {
            SetConsoleCtrlHandler(handler, 0);
        }
        SetConsoleCtrlHandler(handler, 1) != 0
    };
    if !is_added {
        ASKING.store(0, Release);
        return Err(Error::Signal(errno()));
    }
    Ok(())
}

/// The tracker's handler. It returns false: the handlers before it decide what the signal does.
unsafe extern "system" fn handler(event: u32) -> i32 {
    let signal = if event == CTRL_C_EVENT { INT } else { BREAK };
    let asks = event <= CTRL_BREAK_EVENT && ASKING.load(Acquire) & 1 << event != 0;
    if let Some(callbacks) = callbacks().filter(|_| asks) {
        // The thread is the system's. If it ends the process, Wine reports that for its value only.
        detach::watch();
        // The process may end behind this handler. That is an exit, with a snapshot of its own.
        (callbacks.signal)(signal, false);
    }
    0
}

/// Performs the default action of `signal` in its handler. Here the system does so behind the handler, so that no handler
/// asks for it.
pub(crate) fn act_by_default(_: i32) {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signals_have_names_and_numbers() {
        let names: [&[u8]; 5] = [b"INT", b"SIGINT", b"int", b"2", b"sigBreak"];
        assert_eq!(names.map(parse), [Some(INT), Some(INT), Some(INT), Some(INT), Some(BREAK)]);
        let nothing: [&[u8]; 5] = [b"", b"SIG", b"TERM", b"SIG2", b"\xff"];
        assert_eq!(nothing.map(parse), [None; 5]);
        assert_eq!([15, 0, -1].map(dump_on), [Err(Error::Signal(INVALID)); 3]);
    }

    #[test]
    fn a_key_appends_a_snapshot_and_the_programs_handler_runs() {
        use super::super::system::{CreateThread, GetModuleHandleA, GetProcAddress, WaitForSingleObject};
        use crate::{Host, NoUnwind, Region, Tracker};
        use core::ffi::c_void;
        use core::ptr::{null, null_mut, without_provenance_mut};

        type Small = Region<64, 64, 4, 2, 2, 8>;
        static REGION: Small = Region::new();
        static TRACKER: Tracker<(), NoUnwind, Host, Small> = Tracker::with((), NoUnwind, Host, &REGION);
        static HANDLED: AtomicU32 = AtomicU32::new(u32::MAX);
        type Routine = unsafe extern "system" fn(*mut c_void) -> u32;

        unsafe extern "system" fn handle(event: u32) -> i32 {
            HANDLED.store(event, SeqCst);
            1
        }

        let path = std::env::temp_dir().join(std::format!("memtrack-key-{}", std::process::id()));
        TRACKER.dump_stages_to(&path).unwrap();
        let length = || std::fs::metadata(&path).unwrap().len();
        let before = length();
        // SAFETY: the handler has the right signature. The system starts the routine in a thread of its own at each key, with
        // the event as its argument.
        unsafe {
            assert_ne!(SetConsoleCtrlHandler(handle, 1), 0);
            TRACKER.dump_on_signal(BREAK).unwrap();
            let system = GetModuleHandleA(c"kernelbase.dll".as_ptr());
            let routine = GetProcAddress(system, c"CtrlRoutine".as_ptr());
            assert!(!routine.is_null());
            let routine = core::mem::transmute::<*const c_void, Routine>(routine);
            let event = without_provenance_mut(CTRL_BREAK_EVENT as usize);
            let thread = CreateThread(null(), 0, routine, event, 0, null_mut());
            assert_eq!(WaitForSingleObject(thread, 10_000), 0);
        }
        assert_eq!(HANDLED.load(SeqCst), CTRL_BREAK_EVENT);
        assert!(length() > before, "{before} bytes, as before");
        std::fs::remove_file(path).unwrap();
    }
}
