//! The system's form of paths.

use super::system::GetCurrentDirectoryW;
use super::wide;
use crate::Error;
use core::ffi::CStr;

/// The size of the longest path in bytes, with its NUL.
pub(crate) const MOST: usize = 4096;
/// What stands between a folder and a name in it.
pub(crate) const SEPARATOR: &[u8] = b"\\";

/// Whether a path begins at a root, a drive or a device: it does not depend on the current folder alone.
pub(crate) fn is_absolute(path: &[u8]) -> bool {
    matches!(path, [b'/' | b'\\', ..] | [_, b':', ..])
}

/// Copies the path of the current folder into `buffer`, and returns its length; `None` when it is unknown.
pub(crate) fn current_folder(buffer: &mut [u8; MOST]) -> Option<usize> {
    let mut folder = [0; LONGEST_PATH];
    // SAFETY: the buffer is valid for its length, and the call writes no further.
    let length = unsafe { GetCurrentDirectoryW(folder.len() as u32, folder.as_mut_ptr()) } as usize;
    let folder = folder.get(..length).filter(|folder| !folder.is_empty())?;
    Some(wide::decode(folder, buffer))
}

/// The most units of a path, with its NUL: a unit comes from at least one byte.
const LONGEST_PATH: usize = MOST;

/// Calls `with` with a path, as UTF-16 that ends with a NUL.
pub(super) fn with_path<T>(path: &CStr, with: impl FnOnce(*const u16) -> T) -> Result<T, Error> {
    let mut wide = [0; LONGEST_PATH];
    wide::encode(path.to_bytes(), &mut wide).ok_or(Error::PathTooLong)?;
    Ok(with(wide.as_ptr()))
}
