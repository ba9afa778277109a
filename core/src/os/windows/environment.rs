//! Environment variables, which are read while the program starts.

use super::errno::keep_errno;
use super::system::GetEnvironmentVariableW;
use super::{names, wide};
use core::ffi::CStr;

/// Whether variables can be read.
pub(crate) fn is_there() -> bool {
    true
}

/// Calls `with` with the value of a variable, if it is set. A value that is longer than a path is cut off, and is as long
/// as the longest path. Only while the program starts: later the program may change the value.
pub(crate) fn get(name: &CStr, with: impl FnOnce(&[u8])) {
    const LONGEST_NAME: usize = 64;
    let mut wide_name = [0; LONGEST_NAME];
    let mut value = [0u16; names::MOST];
    let length = keep_errno(|| {
        wide::encode(name.to_bytes(), &mut wide_name)?;
        // SAFETY: the name ends with a NUL. The buffer is valid for its length, and the call writes no further.
        let length = unsafe {
            GetEnvironmentVariableW(wide_name.as_ptr(), value.as_mut_ptr(), value.len() as u32) as usize
        };
        (length > 0).then_some(length)
    });
    let mut text = [b' '; names::MOST];
    match length.map(|length| value.get(..length)) {
        None => {}
        Some(Some(value)) => {
            let length = wide::decode(value, &mut text);
            with(&text[..length]);
        }
        Some(None) => with(&text),
    }
}

/// Whether the process may have more rights than the user who started it.
///
/// Here: never. A program gets more rights only when the user confirms that.
pub(crate) fn is_privileged() -> bool {
    false
}
