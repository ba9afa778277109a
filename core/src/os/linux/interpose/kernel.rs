//! Functions that make a system call for the program:
//!
//! - `prctl` and `syscall`, by which a program puts itself into a sandbox;
//! - `syscall` also for a fork, which the C library does not report;
//! - `unshare` and `setns`, which the system allows only to a process of one thread.

#[cfg(interposing)]
pub(crate) use in_place::begin;

/// Here the functions are not interposed.
#[cfg(not(interposing))]
pub(crate) fn begin() {}

#[cfg(interposing)]
mod in_place {
    use super::super::dlclose;
    use crate::os::callbacks::interposed;
    use crate::os::linux::sandbox::Seal;
    use crate::os::linux::{fork, system_call};
    use crate::sync::*;
    use core::ffi::{CStr, c_int, c_long, c_ulong, c_void};

    /// Defines a weak function with a name of the C library's, which jumps to a function of this file.
    macro_rules! interpose {
        ($name:literal, $function:ident) => {
            core::arch::global_asm!(
                concat!(".pushsection .text.memtrack_", $name, ",\"ax\",%progbits"),
                concat!(".weak ", $name),
                concat!(".type ", $name, ",%function"),
                concat!($name, ":"),
                jump!("function"),
                concat!(".size ", $name, ", . - ", $name),
                ".popsection",
                function = sym $function,
            );
        };
    }

    interpose!("prctl", prctl);
    interpose!("syscall", syscall);
    interpose!("unshare", unshare);
    interpose!("setns", setns);

    /// The C library's function. Null before the program's start, and in a program that is linked statically: then the
    /// system call is made directly.
    struct Next(AtomicPtr<c_void>);

    impl Next {
        const fn new() -> Next {
            Next(AtomicPtr::new(core::ptr::null_mut()))
        }

        fn find(&self, name: &CStr) {
            self.0.store(dlclose::next(name), Release);
        }

        fn get(&self) -> Option<*mut c_void> {
            Some(self.0.load(Acquire)).filter(|function| !function.is_null())
        }
    }

    static PRCTL: Next = Next::new();
    static SYSCALL: Next = Next::new();
    static UNSHARE: Next = Next::new();
    static SETNS: Next = Next::new();

    /// Looks up the C library's functions.
    pub(crate) fn begin() {
        PRCTL.find(c"prctl");
        SYSCALL.find(c"syscall");
        UNSHARE.find(c"unshare");
        SETNS.find(c"setns");
    }

    type Prctl = unsafe extern "C" fn(c_int, c_ulong, c_ulong, c_ulong, c_ulong) -> c_int;

    /// `prctl`, which takes up to five arguments. Those that the caller does not pass are the content of their
    /// registers, and the system ignores them.
    unsafe extern "C" fn prctl(option: c_int, a: c_ulong, b: c_ulong, c: c_ulong, d: c_ulong) -> c_int {
        let ask = || match PRCTL.get() {
            // SAFETY: the function is the C library's `prctl`. The caller upholds what it requires of its arguments.
            Some(next) => unsafe { core::mem::transmute::<*mut c_void, Prctl>(next)(option, a, b, c, d) },
            None => {
                let arguments = [option as usize, a as usize, b as usize, c as usize, d as usize, 0];
                // SAFETY: the caller upholds what the call requires of its arguments.
                system_call::returned(unsafe { system_call::raw(libc::SYS_prctl, arguments) }) as c_int
            }
        };
        match Seal::of_prctl(option, [a, b]) {
            Some(seal) => seal.run(ask),
            None => ask(),
        }
    }

    type Syscall = unsafe extern "C" fn(c_long, usize, usize, usize, usize, usize, usize) -> c_long;

    /// `syscall`, which takes the number and up to six arguments, as `prctl` does.
    unsafe extern "C" fn syscall(
        number: c_long,
        a: usize,
        b: usize,
        c: usize,
        d: usize,
        e: usize,
        f: usize,
    ) -> c_long {
        let arguments = [a, b, c, d, e, f];
        let ask = || match SYSCALL.get() {
            // SAFETY: the function is the C library's `syscall`. The caller upholds what it requires of its arguments.
            Some(next) => unsafe {
                core::mem::transmute::<*mut c_void, Syscall>(next)(number, a, b, c, d, e, f)
            },
            // SAFETY: the caller upholds what the call requires of its arguments.
            None => system_call::returned(unsafe { system_call::raw(number, arguments) }) as c_long,
        };
        match Seal::of_call(number, arguments) {
            Some(seal) => seal.run(ask),
            None if number == libc::SYS_unshare || number == libc::SYS_setns => without_thread(ask),
            // SAFETY: the caller upholds what the call requires of its arguments.
            None if unsafe { is_fork(number, arguments) } => fork::by_call(ask),
            None => ask(),
        }
    }

    /// The first fields of `struct clone_args`, which `clone3` takes.
    #[repr(C)]
    struct CloneArguments {
        flags: u64,
        _others: [u64; 4],
        stack: u64,
    }

    /// Whether a system call forks: the child has memory of its own and returns here, on the same stack.
    ///
    /// # Safety
    /// The arguments must fulfil what the call requires.
    unsafe fn is_fork(number: c_long, [first, second, ..]: [usize; 6]) -> bool {
        let is_apart = |flags: u64, stack: u64| flags & libc::CLONE_VM as u64 == 0 && stack == 0;
        match number {
            #[cfg(target_arch = "x86_64")]
            libc::SYS_fork => true,
            libc::SYS_clone => is_apart(first as u64, second as u64),
            libc::SYS_clone3 if second >= size_of::<CloneArguments>() => {
                // SAFETY: the first argument is the address of a record, and the second one is its size.
                let arguments = unsafe { &*core::ptr::with_exposed_provenance::<CloneArguments>(first) };
                is_apart(arguments.flags, arguments.stack)
            }
            _ => false,
        }
    }

    /// Runs `f`, which the system allows only to a process of one thread, while the tracker's own thread does not run.
    fn without_thread<T>(f: impl FnOnce() -> T) -> T {
        let interposed = interposed();
        let ran = interposed.is_some_and(|interposed| (interposed.stop_thread)());
        let result = f();
        if let Some(interposed) = interposed.filter(|_| ran) {
            (interposed.start_thread)();
        }
        result
    }

    type Unshare = unsafe extern "C" fn(c_int) -> c_int;

    /// `unshare`.
    unsafe extern "C" fn unshare(flags: c_int) -> c_int {
        let arguments = [flags as usize, 0, 0, 0, 0, 0];
        without_thread(|| match UNSHARE.get() {
            // SAFETY: the function is the C library's `unshare`, which takes a number.
            Some(next) => unsafe { core::mem::transmute::<*mut c_void, Unshare>(next)(flags) },
            // SAFETY: the call takes a number, and no memory.
            None => system_call::returned(unsafe { system_call::raw(libc::SYS_unshare, arguments) }) as c_int,
        })
    }

    type Setns = unsafe extern "C" fn(c_int, c_int) -> c_int;

    /// `setns`.
    unsafe extern "C" fn setns(file: c_int, kind: c_int) -> c_int {
        let arguments = [file as usize, kind as usize, 0, 0, 0, 0];
        without_thread(|| match SETNS.get() {
            // SAFETY: the function is the C library's `setns`, which takes numbers.
            Some(next) => unsafe { core::mem::transmute::<*mut c_void, Setns>(next)(file, kind) },
            // SAFETY: the call takes numbers, and no memory.
            None => system_call::returned(unsafe { system_call::raw(libc::SYS_setns, arguments) }) as c_int,
        })
    }
}
