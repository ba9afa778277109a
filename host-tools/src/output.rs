//! Writes output completely or not at all.

use std::fs;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use crate::Error;

/// Writes to `path`, or to standard output if it is `None` or `-`. A file gets its name only when it is
/// complete. A reader that closes its end of a pipe causes no error.
///
/// # Errors
/// Returns the error of `write`, or [`Error::Write`] if the bytes can't be stored.
pub fn write(
    path: Option<&Path>,
    write: impl FnOnce(&mut dyn Write) -> Result<io::Result<()>, Error>,
) -> Result<(), Error> {
    match path.filter(|path| path.as_os_str() != "-") {
        None => {
            let mut out = BufWriter::new(io::stdout().lock());
            let result = write(&mut out)?.and_then(|()| out.flush());
            // Discard the rest of the buffer: dropping it would try to write it again.
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
    // A link stays; its target is replaced.
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
    // Made here, so that the file has the default permissions, and errors are the system's own: those of the
    // builder contain a file name that the user never saw.
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

/// Writes to a pipe or device. It must not be replaced by a file.
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
