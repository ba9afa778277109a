//! Structs of the program that begin with their size: later versions append members.

use crate::result::{MEMTRACK_ERROR_NULL, MEMTRACK_ERROR_SIZE, memtrack_result_t};

/// Copies a struct, whose first member is its size as a `size_t`.
///
/// # Errors
/// `MEMTRACK_ERROR_NULL`, and `MEMTRACK_ERROR_SIZE` when it is shorter than this version's: its size was not set.
///
/// # Safety
/// `from` must be NULL or point to as many bytes as its `size` says, and `T` must begin with `size`.
pub(crate) unsafe fn read<T>(from: *const T) -> Result<T, memtrack_result_t> {
    if from.is_null() {
        return Err(MEMTRACK_ERROR_NULL);
    }
    // SAFETY: it is not null, and begins with its size. It is read in full only if it is as long as ours.
    unsafe {
        if from.cast::<usize>().read() < size_of::<T>() {
            return Err(MEMTRACK_ERROR_SIZE);
        }
        Ok(from.read())
    }
}
