//! Finds the library to preload.

use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use super::system::LIBRARY as NAME;

/// Folders relative to that of this program: beside it in a cargo build, and as installed.
const PLACES: [&str; 4] = [".", "../lib", "../lib64", "../lib/memtrack"];

/// The library, or the advice if it is missing.
pub(super) fn find(given: Option<&Path>) -> Result<PathBuf, String> {
    let path = match given {
        Some(path) => path.to_owned(),
        None => beside_this_program().ok_or_else(|| {
            format!("{NAME} is not beside memtrack-fold and not in ../lib: give its path with --library PATH, or build it with cargo build --release -p memtrack-ffi")
        })?,
    };
    let path = path.canonicalize().map_err(|error| format!("{}: {error}", path.display()))?;
    // In the list of the dynamic linker, these characters separate the names.
    if path.as_os_str().as_bytes().iter().any(|byte| b" :".contains(byte)) {
        return Err(format!(
            "{} cannot be preloaded from a path with a space or colon: move it, and give its new path with --library",
            path.display()
        ));
    }
    Ok(path)
}

fn beside_this_program() -> Option<PathBuf> {
    let program = std::env::current_exe().ok()?.canonicalize().ok()?;
    let folder = program.parent()?;
    PLACES.iter().map(|place| folder.join(place).join(NAME)).find(|path| path.is_file())
}
