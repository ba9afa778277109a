//! Text from C.

use crate::result::{MEMTRACK_ERROR_NULL, memtrack_result_t};
use core::ffi::{CStr, c_char};

/// The text up to the first byte that is not UTF-8.
///
/// # Safety
/// `text` must be NULL or a string that ends in NUL and does not change while the result is used.
pub(crate) unsafe fn text<'t>(text: *const c_char) -> Result<&'t str, memtrack_result_t> {
    if text.is_null() {
        return Err(MEMTRACK_ERROR_NULL);
    }
    // SAFETY: it is not null, and the caller upholds the rest.
    let bytes = unsafe { CStr::from_ptr(text) }.to_bytes();
    Ok(bytes.utf8_chunks().next().map_or("", |chunk| chunk.valid()))
}

#[cfg(test)]
mod tests {
    use super::text;

    #[test]
    fn text_is_taken_up_to_what_is_no_text() {
        // SAFETY: all are NULL or strings of C.
        unsafe {
            assert_eq!(text(c"parse".as_ptr()), Ok("parse"));
            assert_eq!(text(c"gr\xfcn".as_ptr()), Ok("gr"));
            assert_eq!(text(c"".as_ptr()), Ok(""));
            assert!(text(core::ptr::null()).is_err());
        }
    }
}
