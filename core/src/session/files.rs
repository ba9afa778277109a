//! The paths of files that environment variables name.

use crate::Error;
use crate::os::path::Path;
use crate::os::{clock, process};

/// The path that a template gives in this process.
pub(super) fn path(template: &[u8]) -> Result<Path, Error> {
    const SECOND: u64 = 1_000_000_000;
    Path::expand(template, process::id(), clock::since_1970() / SECOND)
}

/// The file of a forked child: its own by `%p`, or else with its process id behind the name.
pub(super) fn path_in_child(template: &[u8]) -> Result<Path, Error> {
    let path = path(template)?;
    if template.windows(2).any(|pair| pair == b"%p") { Ok(path) } else { path.with_pid(process::id()) }
}
