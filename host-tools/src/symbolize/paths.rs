//! Paths of the target, as this machine writes them.

use std::ffi::OsStr;
use std::path::{Component, Path, PathBuf};

/// A path of the target, placed below a directory that the user named. It can't lead out of that directory.
pub(super) fn below(root: &Path, path: &Path) -> PathBuf {
    let is_drive = |name: &OsStr| matches!(name.as_encoded_bytes(), [_, b':']);
    let inner = |part: &Component<'_>| matches!(part, Component::Normal(name) if !is_drive(name));
    root.join(path.components().filter(inner).collect::<PathBuf>())
}

/// The path that a dump's bytes name. A Windows path (`C:\shop\app.exe`) is split at its backslashes here as
/// well.
pub(super) fn to_path(bytes: &[u8]) -> PathBuf {
    #[cfg(unix)]
    {
        use std::os::unix::ffi::OsStringExt;
        let windows = matches!(bytes, [drive, b':', b'\\', ..] if drive.is_ascii_alphabetic());
        let part = |&byte: &u8| if windows && byte == b'\\' { b'/' } else { byte };
        std::ffi::OsString::from_vec(bytes.iter().map(part).collect()).into()
    }
    #[cfg(not(unix))]
    String::from_utf8_lossy(bytes).into_owned().into()
}
