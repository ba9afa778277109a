//! Functions of the C library that memtrack interposes.
//!
//! The problem: the system does not report that a program unloads a library, puts itself into a sandbox, or makes a
//! call that it allows only to a process of one thread.
//!
//! The idea: the program calls functions of the C library for that. memtrack defines functions of the same names, which
//! report the call and then call the C library's. They are weak symbols: a program that is linked dynamically takes
//! them instead of the C library's, unless it defines its own.

mod dlclose;
mod kernel;

/// Looks up the C library's functions. At the program's start: every program contains the code of the start, and this
/// call makes the linker include these files.
pub(super) fn begin() {
    dlclose::begin();
    kernel::begin();
}
