//! Files that a user names: regular ones are mapped, pipes are read within a limit, all others are refused.

use std::fs::{File, Metadata};
use std::io::{self, Read};
use std::path::Path;
use std::time::Duration;

use super::bytes::Bytes;
use crate::Error;
use crate::extents::{Extents, holes};

/// Most bytes that come through a pipe, unless the user says more.
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
        // As a shell names one: `<(…)`.
        Some(pipe) => piped(path, pipe, limit),
        None => Err(Error::NotAFile { path: path.into() }),
    }
}

/// A text that a user names, of a size that people write.
///
/// # Errors
/// When it cannot be read, or is too large.
pub fn text(path: &Path) -> Result<String, Error> {
    const MAX: u64 = 16 << 20;
    let failed = |source| Error::Read { path: path.into(), source };
    let bytes = match contents(path, Some(MAX)) {
        Ok((bytes, _)) if bytes.len() as u64 <= MAX => bytes,
        Ok(_) | Err(Error::TooLarge { .. }) => {
            return Err(failed(io::Error::other("it is larger than any text that people write")));
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

/// A pipe; `None` for what is none. Opening one waits until somebody writes to it: here only for a while.
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

/// A pipe that is asked again and again.
struct Pipe {
    file: File,
    /// Somebody writes, or wrote.
    begun: bool,
}

impl Read for Pipe {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        const PAUSE: Duration = Duration::from_millis(5);
        /// How often a pipe is asked that nobody writes to.
        const TRIES: u32 = 400;
        let mut tries = 0;
        loop {
            match self.file.read(out) {
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => self.begun = true,
                Ok(0) if !self.begun && !out.is_empty() => {
                    tries += 1;
                    if tries == TRIES {
                        return Err(io::Error::other("it is a pipe, and nobody writes to it"));
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

/// Maps a regular file of names that a dump or a command line names. Pipes and devices are refused before they are
/// opened: opening alone can block or have effects.
///
/// # Errors
/// When it is no regular file or can't be mapped.
pub fn open_regular(path: &Path) -> Result<Bytes, Error> {
    /// What no linker leaves out between the parts of a binary.
    const MAX_HOLES: u64 = 256 << 20;
    let failed = |source| Error::Read { path: path.into(), source };
    if !std::fs::metadata(path).map_err(failed)?.is_file() {
        return Err(Error::NotAFile { path: path.into() });
    }
    let file = File::open(path).map_err(failed)?;
    if holes(&file) > MAX_HOLES {
        return Err(failed(io::Error::other("it is mostly holes, which no binary is")));
    }
    Bytes::map(&file).map_err(failed)
}
