//! Running a program so that signals meant for it reach it.
//!
//! Whoever signals us means the program. What a terminal sends goes to all of its foreground processes, to the program
//! too: that is not sent on, or it would come twice.

use std::io;
use std::mem::MaybeUninit;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus};
use std::ptr::null_mut;
use std::sync::atomic::{AtomicI32, Ordering::Relaxed};

/// What is sent on: all but faults, what stops a process and lets it go on, and what tells us of the program.
const NAMED: [libc::c_int; 12] = [
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
    libc::SIGPWR,
];
/// Real-time signals that the C library leaves to programs.
const FIRST_REAL_TIME: libc::c_int = 34;
const LAST_REAL_TIME: libc::c_int = 64;
const FORWARDED: [libc::c_int; NAMED.len() + (LAST_REAL_TIME - FIRST_REAL_TIME + 1) as usize] = {
    let mut all = [0; NAMED.len() + (LAST_REAL_TIME - FIRST_REAL_TIME + 1) as usize];
    let mut i = 0;
    while i < all.len() {
        all[i] = if i < NAMED.len() { NAMED[i] } else { FIRST_REAL_TIME + (i - NAMED.len()) as libc::c_int };
        i += 1;
    }
    all
};

/// The program's process id; 0 before it runs and after it was waited for.
static PROGRAM: AtomicI32 = AtomicI32::new(0);

/// Runs a program to its end: its process id and how it ended.
pub(super) fn run(command: &mut Command) -> io::Result<(u32, ExitStatus)> {
    // Those that come before there is a program wait until there is one.
    let held = Held::new()?;
    FORWARDED.iter().try_for_each(|&signal| forward(signal))?;
    let before = held.0;
    // SAFETY: between fork and exec these are calls that a signal handler may make.
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

/// Signals that are held back while this lives: what was held back before.
struct Held(libc::sigset_t);

impl Held {
    fn new() -> io::Result<Self> {
        let (mut set, mut before) = (MaybeUninit::uninit(), MaybeUninit::uninit());
        // SAFETY: the calls fill the sets in before they are read.
        unsafe {
            libc::sigemptyset(set.as_mut_ptr());
            FORWARDED.iter().for_each(|&signal| {
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
        // SAFETY: the set is the one that was there before.
        unsafe { libc::sigprocmask(libc::SIG_SETMASK, &raw const self.0, null_mut()) };
    }
}

/// In the program's process: signals do what they did for us in the beginning.
fn as_before(mask: &libc::sigset_t) -> io::Result<()> {
    // SAFETY: the calls get a record that the first fills in, an action that every signal has, and a set.
    unsafe {
        for signal in FORWARDED {
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

/// Sends a signal on from now on. One that we ignore (`nohup`) stays ignored, by the program too.
fn forward(signal: libc::c_int) -> io::Result<()> {
    // SAFETY: the call fills `before` in; all-zero is an action, which is then filled in; the handler has the signature
    // that SA_SIGINFO asks for, and does what a handler may.
    unsafe {
        let mut before: libc::sigaction = std::mem::zeroed();
        if libc::sigaction(signal, std::ptr::null(), &raw mut before) != 0 {
            return Err(io::Error::last_os_error());
        }
        if before.sa_sigaction == libc::SIG_IGN {
            return Ok(());
        }
        let mut action: libc::sigaction = std::mem::zeroed();
        action.sa_sigaction = send_on as *const () as usize;
        action.sa_flags = libc::SA_SIGINFO | libc::SA_RESTART;
        match libc::sigaction(signal, &raw const action, null_mut()) {
            0 => Ok(()),
            _ => Err(io::Error::last_os_error()),
        }
    }
}

extern "C" fn send_on(signal: libc::c_int, info: *mut libc::siginfo_t, _: *mut libc::c_void) {
    let program = PROGRAM.load(Relaxed);
    // SAFETY: the system hands in a record of the signal; `errno` is this thread's own, and the call is one that a handler
    // may make.
    unsafe {
        // Above 0: the kernel's own, as for a key of the terminal.
        if program != 0 && (*info).si_code <= 0 {
            let errno = *libc::__errno_location();
            libc::kill(program, signal);
            *libc::__errno_location() = errno;
        }
    }
}

/// Ends this program by the signal that ended the other, without a second core file.
pub(super) fn die_of(signal: libc::c_int) {
    // SAFETY: the calls get records that are filled in; the signal's default action ends the process.
    unsafe {
        let none = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
        libc::setrlimit(libc::RLIMIT_CORE, &raw const none);
        libc::signal(signal, libc::SIG_DFL);
        libc::raise(signal);
    }
    // A signal that does not end a process: as shells tell it.
    std::process::exit(128 + signal);
}
