//! Opens the paths that a user gives. It maps regular files, reads pipes up to a limit, and refuses the rest.

use std::fs::{File, Metadata};
use std::io::{self, Read};
use std::path::Path;
use std::time::Duration;

use super::bytes::Bytes;
use crate::Error;
use crate::extents::{Extents, holes};

/// The largest size of a pipe's data, unless the user sets a limit.
const PIPED: u64 = 4 << 30;

/// The content of a file, or of standard input for `-`.
pub(super) fn contents(path: &Path, limit: Option<u64>) -> Result<(Bytes, Extents), Error> {
    let failed = |source| Error::Read { path: path.into(), source };
    if path.as_os_str() == "-" {
        return piped(path, io::stdin().lock(), limit);
    }
    let metadata = std::fs::metadata(path).map_err(failed)?;
    if metadata.is_file() {
        let file = File::open(path).map_err(failed)?;
        let bytes = Bytes::map(&file).map_err(failed)?;
        let extents = Extents::of(&file, bytes.len());
        return Ok((bytes, extents));
    }
    if metadata.is_dir() {
        return Err(failed(io::ErrorKind::IsADirectory.into()));
    }
    match pipe(path, &metadata).map_err(failed)? {
        // Shells make one for `<(…)`.
        Some(pipe) => piped(path, pipe, limit),
        None => Err(Error::NotAFile { path: path.into() }),
    }
}

/// Reads a text that a person wrote.
///
/// # Errors
/// Returns an error if it can't be read, or is too large for that.
pub fn text(path: &Path) -> Result<String, Error> {
    const MAX: u64 = 16 << 20;
    let failed = |source| Error::Read { path: path.into(), source };
    let bytes = match contents(path, Some(MAX)) {
        Ok((bytes, _)) if bytes.len() as u64 <= MAX => bytes,
        Ok(_) | Err(Error::TooLarge { .. }) => {
            return Err(failed(io::Error::other("it is too large for a text that a person wrote")));
        }
        Err(error) => return Err(error),
    };
    let text = std::str::from_utf8(&bytes).map(String::from);
    text.map_err(|e| failed(io::Error::new(io::ErrorKind::InvalidData, e)))
}

fn piped(path: &Path, from: impl Read, limit: Option<u64>) -> Result<(Bytes, Extents), Error> {
    let limit = limit.unwrap_or(PIPED);
    let mut bytes = Vec::new();
    let read = from.take(limit.saturating_add(1)).read_to_end(&mut bytes);
    read.map_err(|source| Error::Read { path: path.into(), source })?;
    if bytes.len() as u64 > limit {
        return Err(Error::TooLarge { path: path.into(), limit });
    }
    Ok((Bytes::Owned(bytes), Extents::default()))
}

/// Opens a pipe; `None` if the path is something else. Opening a pipe usually blocks until it has a writer. This function
/// does not block, and its reads wait for a limited time.
#[cfg(unix)]
fn pipe(path: &Path, metadata: &Metadata) -> io::Result<Option<Pipe>> {
    use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
    if !metadata.file_type().is_fifo() {
        return Ok(None);
    }
    let file = File::options().read(true).custom_flags(libc::O_NONBLOCK).open(path)?;
    Ok(Some(Pipe { file, begun: false }))
}

#[cfg(not(unix))]
fn pipe(_: &Path, _: &Metadata) -> io::Result<Option<Pipe>> {
    Ok(None)
}

/// A pipe that is polled.
struct Pipe {
    file: File,
    /// Whether it has had a writer.
    begun: bool,
}

impl Read for Pipe {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        const PAUSE: Duration = Duration::from_millis(5);
        /// The number of attempts on a pipe without a writer.
        const TRIES: u32 = 400;
        let mut tries = 0;
        loop {
            match self.file.read(out) {
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => self.begun = true,
                Ok(0) if !self.begun && !out.is_empty() => {
                    tries += 1;
                    if tries == TRIES {
                        return Err(io::Error::other("it is a pipe without a writer"));
                    }
                }
                read => {
                    self.begun = true;
                    return read;
                }
            }
            std::thread::sleep(PAUSE);
        }
    }
}

/// Maps a regular file, like a binary that a dump or the command line names. Pipes and devices are refused before they are
/// opened: opening them can block or have effects.
///
/// # Errors
/// Returns an error if it is not a regular file, or can't be mapped.
pub fn open_regular(path: &Path) -> Result<Bytes, Error> {
    /// Larger holes than any linker leaves in a binary.
    const MAX_HOLES: u64 = 256 << 20;
    let failed = |source| Error::Read { path: path.into(), source };
    if !std::fs::metadata(path).map_err(failed)?.is_file() {
        return Err(Error::NotAFile { path: path.into() });
    }
    let file = File::open(path).map_err(failed)?;
    if holes(&file) > MAX_HOLES {
        return Err(failed(io::Error::other("it consists mostly of holes, unlike any binary")));
    }
    Bytes::map(&file).map_err(failed)
}
