//! Output that is there in full or not at all.

use std::fs;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use crate::Error;

/// Writes to `path`, or to standard output when it is `None` or `-`. A file appears under its name only when it
/// is complete. A reader that closes its end of a pipe is no error.
///
/// # Errors
/// What `write` returns, and [`Error::Write`] when the bytes could not be stored.
pub fn write(
    path: Option<&Path>,
    write: impl FnOnce(&mut dyn Write) -> Result<io::Result<()>, Error>,
) -> Result<(), Error> {
    match path.filter(|path| path.as_os_str() != "-") {
        None => {
            let mut out = BufWriter::new(io::stdout().lock());
            let result = write(&mut out)?.and_then(|()| out.flush());
            // What is left in the buffer has nowhere to go.
            let _ = out.into_parts();
            or_closed(result, Path::new("standard output"))
        }
        Some(path) => to_file(path, write),
    }
}

fn to_file(
    path: &Path,
    write: impl FnOnce(&mut dyn Write) -> Result<io::Result<()>, Error>,
) -> Result<(), Error> {
    let failed = |source| Error::Write { path: path.into(), source };
    // Through a link, its target is replaced, not the link.
    let target = fs::canonicalize(path).unwrap_or_else(|_| path.into());
    let existing = fs::metadata(&target).ok();
    if let Some(metadata) = &existing
        && !metadata.is_file()
    {
        return to_special(path, metadata, write);
    }
    let directory = match target.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let mut builder = tempfile::Builder::new();
    builder.prefix(".memtrack-").suffix(".tmp");
    // Made here, with the rights of any new file and the system's own errors: those of the builder name a file that the
    // user knows nothing of.
    let make = |path: &Path| fs::OpenOptions::new().write(true).create_new(true).open(path);
    let file = builder.make_in(directory, make).map_err(failed)?;
    let mut out = BufWriter::new(file);
    write(&mut out)?.map_err(failed)?;
    let file = out.into_inner().map_err(|e| failed(e.into_error()))?;
    if let Some(metadata) = existing {
        file.as_file().set_permissions(metadata.permissions()).map_err(failed)?;
    }
    file.persist(&target).map_err(|e| failed(e.error))?;
    Ok(())
}

/// A pipe or device that the user named is written to: replacing it would do harm.
fn to_special(
    path: &Path,
    metadata: &fs::Metadata,
    write: impl FnOnce(&mut dyn Write) -> Result<io::Result<()>, Error>,
) -> Result<(), Error> {
    let failed = |source| Error::Write { path: PathBuf::from(path), source };
    if metadata.is_dir() {
        return Err(failed(io::Error::from(io::ErrorKind::IsADirectory)));
    }
    let mut out = BufWriter::new(fs::OpenOptions::new().write(true).open(path).map_err(failed)?);
    let result = write(&mut out)?.and_then(|()| out.flush());
    let _ = out.into_parts();
    or_closed(result, path)
}

fn or_closed(result: io::Result<()>, path: &Path) -> Result<(), Error> {
    match result {
        Err(source) if source.kind() != io::ErrorKind::BrokenPipe => {
            Err(Error::Write { path: path.into(), source })
        }
        _ => Ok(()),
    }
}
