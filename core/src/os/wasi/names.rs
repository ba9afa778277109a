//! The system's form of paths.

/// The size of the longest path in bytes, with its NUL.
pub(crate) const MOST: usize = 4096;
/// What stands between a folder and a name in it.
pub(crate) const SEPARATOR: &[u8] = b"/";

/// Whether a path begins at a root: it does not depend on the current folder.
pub(crate) fn is_absolute(path: &[u8]) -> bool {
    path.first() == Some(&b'/')
}

/// Copies the path of the current folder into `buffer`, and returns its length; `None` when it is unknown.
pub(crate) fn current_folder(buffer: &mut [u8; MOST]) -> Option<usize> {
    // SAFETY: the buffer is valid for its length, and the call writes no further.
    let is_known = unsafe { !libc::getcwd(buffer.as_mut_ptr().cast(), buffer.len()).is_null() };
    if is_known { buffer.iter().position(|&byte| byte == 0) } else { None }
}
