//! Runs a program and forwards signals to it.
//!
//! A signal to this process is meant for the program, so it is forwarded. A terminal sends its signals to all foreground
//! processes, and the program is one of them: these are not forwarded, because they would arrive twice.

use std::io;
use std::mem::MaybeUninit;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus};
use std::ptr::null_mut;
use std::sync::atomic::{AtomicI32, Ordering::Relaxed};

use super::system;

/// The forwarded signals that all systems have: all except faults, stop and continue, and those about child processes.
const NAMED: [libc::c_int; 11] = [
    libc::SIGHUP,
    libc::SIGINT,
    libc::SIGQUIT,
    libc::SIGTERM,
    libc::SIGUSR1,
    libc::SIGUSR2,
    libc::SIGALRM,
    libc::SIGVTALRM,
    libc::SIGPROF,
    libc::SIGWINCH,
    libc::SIGIO,
];

/// All forwarded signals.
fn forwarded() -> impl Iterator<Item = libc::c_int> {
    NAMED.into_iter().chain(system::OWN_SIGNALS).chain(system::REAL_TIME)
}

/// The program's process id; 0 before it runs and after its end.
static PROGRAM: AtomicI32 = AtomicI32::new(0);

/// Runs a program to its end. Returns its process id and its status.
pub(super) fn run(command: &mut Command) -> io::Result<(u32, ExitStatus)> {
    system::find_terminal();
    // A signal that arrives too early waits until the program exists.
    let held = Held::new()?;
    forwarded().try_for_each(forward)?;
    let before = held.0;
    // SAFETY: between fork and exec, the closure makes only calls that are allowed in a signal handler.
    unsafe { command.pre_exec(move || as_before(&before)) };
    let mut child = command.spawn()?;
    PROGRAM.store(child.id() as i32, Relaxed);
    drop(held);
    let status = wait(&mut child);
    PROGRAM.store(0, Relaxed);
    Ok((child.id(), status?))
}

fn wait(child: &mut Child) -> io::Result<ExitStatus> {
    loop {
        match child.wait() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}

/// Blocks the signals while it lives. It has the mask from before.
struct Held(libc::sigset_t);

impl Held {
    fn new() -> io::Result<Self> {
        let (mut set, mut before) = (MaybeUninit::uninit(), MaybeUninit::uninit());
        // SAFETY: the calls initialize the sets before anything reads them.
        unsafe {
            libc::sigemptyset(set.as_mut_ptr());
            forwarded().for_each(|signal| {
                libc::sigaddset(set.as_mut_ptr(), signal);
            });
            match libc::sigprocmask(libc::SIG_BLOCK, set.as_ptr(), before.as_mut_ptr()) {
                0 => Ok(Held(before.assume_init())),
                _ => Err(io::Error::last_os_error()),
            }
        }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        // SAFETY: the set is the initialized mask from before.
        unsafe { libc::sigprocmask(libc::SIG_SETMASK, &raw const self.0, null_mut()) };
    }
}

/// In the program's process: restores the actions and the mask from before `run`.
fn as_before(mask: &libc::sigset_t) -> io::Result<()> {
    // SAFETY: the first call initializes the record that is read; the default action is valid for every signal; the set is
    // initialized.
    unsafe {
        for signal in forwarded() {
            let mut now = MaybeUninit::<libc::sigaction>::uninit();
            if libc::sigaction(signal, std::ptr::null(), now.as_mut_ptr()) == 0
                && now.assume_init().sa_sigaction != libc::SIG_IGN
            {
                libc::signal(signal, libc::SIG_DFL);
            }
        }
        match libc::sigprocmask(libc::SIG_SETMASK, mask, null_mut()) {
            0 => Ok(()),
            _ => Err(io::Error::last_os_error()),
        }
    }
}

/// Forwards a signal from now on. An ignored one (`nohup`) stays ignored, by the program too.
fn forward(signal: libc::c_int) -> io::Result<()> {
    // SAFETY: the first call initializes `before`. An all-zero action is valid, and gets a handler with the signature
    // that SA_SIGINFO requires. The handler makes only calls that are allowed in a handler.
    unsafe {
        let mut before: libc::sigaction = std::mem::zeroed();
        if libc::sigaction(signal, std::ptr::null(), &raw mut before) != 0 {
            return Err(io::Error::last_os_error());
        }
        if before.sa_sigaction == libc::SIG_IGN {
            return Ok(());
        }
        let mut action: libc::sigaction = std::mem::zeroed();
        action.sa_sigaction = pass_on as *const () as usize;
        action.sa_flags = libc::SA_SIGINFO | libc::SA_RESTART;
        match libc::sigaction(signal, &raw const action, null_mut()) {
            0 => Ok(()),
            _ => Err(io::Error::last_os_error()),
        }
    }
}

extern "C" fn pass_on(signal: libc::c_int, info: *mut libc::siginfo_t, _: *mut libc::c_void) {
    let program = PROGRAM.load(Relaxed);
    // SAFETY: the system passes a valid record of the signal. `errno` belongs to this thread, and `kill` is allowed in a
    // handler.
    unsafe {
        if program != 0 && !system::is_of_terminal(signal, &*info) {
            let errno = *system::errno();
            libc::kill(program, signal);
            *system::errno() = errno;
        }
    }
}

/// Ends this process by the signal that ended the program, without a second core file.
pub(super) fn die_of(signal: libc::c_int) {
    // SAFETY: the record is initialized. The signal's default action ends the process.
    unsafe {
        let none = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
        libc::setrlimit(libc::RLIMIT_CORE, &raw const none);
        libc::signal(signal, libc::SIG_DFL);
        libc::raise(signal);
    }
    // This signal does not end a process: the code is that of shells.
    std::process::exit(128 + signal);
}
