//! Functions of the C library that memtrack defines as well, to notice what the program asks of the system.

mod dlclose;
mod kernel;

/// Finds the C library's functions, which the ones here call. At the program's start, which is in every program and so
/// brings these files into it.
pub(super) fn begin() {
    dlclose::begin();
    kernel::begin();
}
