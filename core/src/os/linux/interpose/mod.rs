//! Functions of the C library that memtrack interposes.
//!
//! The problem: the system does not report that a program unloads a library, puts itself into a sandbox, or makes a
//! call that it allows only to a process of one thread.
//!
//! The idea: the program calls functions of the C library for that. memtrack defines functions of the same names, which
//! report the call and then call the C library's. They are weak symbols: a program that is linked dynamically takes
//! them instead of the C library's, unless it defines its own.

#[cfg(all(interposing, any(target_arch = "x86_64", target_arch = "x86")))]
macro_rules! instruction {
    () => {
        "jmp"
    };
}
#[cfg(all(interposing, any(target_arch = "aarch64", target_arch = "arm")))]
macro_rules! instruction {
    () => {
        "b"
    };
}
#[cfg(all(interposing, target_arch = "riscv64"))]
macro_rules! instruction {
    () => {
        "tail"
    };
}

/// The jump by which a function with a name of the C library's goes on in one of these files.
#[cfg(interposing)]
macro_rules! jump {
    ($to:literal) => {
        concat!(instruction!(), " {", $to, "}")
    };
}

mod dlclose;
mod kernel;

/// Looks up the C library's functions. At the program's start: every program contains the code of the start, and this
/// call makes the linker include these files.
pub(super) fn begin() {
    dlclose::begin();
    kernel::begin();
}
