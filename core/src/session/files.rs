//! The paths that environment variables ask for.
//!
//! - **Template**: the value of a variable. In the path, the process id replaces `%p`, and the time in seconds since
//!   1970 replaces `%t`.

use crate::Error;
use crate::os::path::Path;
use crate::os::{clock, process};

/// Returns the path that a template expands to in this process.
pub(super) fn expand(template: &[u8]) -> Result<Path, Error> {
    const SECOND: u64 = 1_000_000_000;
    Path::expand(template, process::id(), clock::since_1970() / SECOND)
}

/// Returns the path of a forked child. It always has the process id: at `%p`, or else at its end.
pub(super) fn expand_in_child(template: &[u8]) -> Result<Path, Error> {
    let path = expand(template)?;
    if template.windows(2).any(|pair| pair == b"%p") { Ok(path) } else { path.with_pid(process::id()) }
}
