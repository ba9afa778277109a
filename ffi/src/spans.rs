//! Stages and tags.

use crate::result::{MEMTRACK_ERROR_FULL, MEMTRACK_ERROR_NONE, done, memtrack_result_t};
use crate::text::text;
use crate::tracker::TRACKER;
use core::ffi::c_char;

/// Begins a stage of the whole process: a named span with peaks of its own. Stages nest. Runs of one name are counted
/// together. The name is copied (up to 47 bytes of it). Thread-safe.
///
/// `MEMTRACK_ERROR_FULL` if stages are nested too deep (16): then do not end it.
///
/// # Safety
/// `name` must be NULL or a string.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn memtrack_stage_begin(name: *const c_char) -> memtrack_result_t {
    // SAFETY: the caller upholds it.
    match unsafe { text(name) } {
        Ok(name) => done(TRACKER.stage_begin(name), MEMTRACK_ERROR_FULL),
        Err(code) => code,
    }
}

/// Ends the stage that began last and still runs. Thread-safe.
///
/// `MEMTRACK_ERROR_NONE` if no stage runs.
#[unsafe(no_mangle)]
pub extern "C" fn memtrack_stage_end() -> memtrack_result_t {
    done(TRACKER.stage_end(), MEMTRACK_ERROR_NONE)
}

/// Pushes a tag on the calling thread. Until the tag ends, the thread's events show under its name at the root of the flame
/// graph. Tags nest. The name is copied (up to 47 bytes of it). Thread-safe.
///
/// `MEMTRACK_ERROR_FULL` if there are too many names of tags: then do not end it.
///
/// # Safety
/// `name` must be NULL or a string.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn memtrack_tag_begin(name: *const c_char) -> memtrack_result_t {
    // SAFETY: the caller upholds it.
    match unsafe { text(name) } {
        Ok(name) => done(TRACKER.tag_begin(name), MEMTRACK_ERROR_FULL),
        Err(code) => code,
    }
}

/// Pops the calling thread's innermost tag. Thread-safe.
///
/// `MEMTRACK_ERROR_NONE` if the thread has no tag.
#[unsafe(no_mangle)]
pub extern "C" fn memtrack_tag_end() -> memtrack_result_t {
    done(TRACKER.tag_end(), MEMTRACK_ERROR_NONE)
}
