//! Separate debug files: by build id, or by the name and checksum that the binary gives.

use std::path::{Path, PathBuf};

use object::Object;

use super::find::{Search, below, hex};
use super::image;
use crate::input::{self, Bytes};

/// Where separate debug files lie unless the user says otherwise.
const DEBUG_DIR: &str = "/usr/lib/debug";

impl Search {
    /// The directories of debug files: the user's, then the system's.
    fn directories(&self) -> Vec<PathBuf> {
        let system = match &self.sysroot {
            Some(root) => below(root, Path::new(DEBUG_DIR)),
            None => DEBUG_DIR.into(),
        };
        self.debug_dirs.iter().cloned().chain([system]).collect()
    }

    /// `.build-id/ab/cdef….debug` in the first debug directory that has it.
    pub(super) fn by_build_id(&self, build_id: &[u8]) -> Option<Bytes> {
        let (first, rest) = build_id.split_first().filter(|(_, rest)| !rest.is_empty())?;
        let below = format!(".build-id/{}/{}.debug", hex(&[*first]), hex(rest));
        self.directories().iter().find_map(|dir| {
            let bytes = input::open_regular(&dir.join(&below)).ok()?;
            (image::build_id(&bytes).ok()? == build_id).then_some(bytes)
        })
    }

    /// The file that a binary names in `.gnu_debuglink`: beside it, in `.debug` there, or below a debug directory.
    pub(super) fn by_link(&self, path: &Path, binary: &[u8]) -> Option<Bytes> {
        let file = object::File::parse(binary).ok()?;
        let (name, checksum) = file.gnu_debuglink().ok()??;
        // A name, not a way out of the directory.
        let name = std::str::from_utf8(name).ok().filter(|name| !name.contains(['/', '\\']))?;
        let beside = path.parent()?;
        let within = self.directories();
        let within = within.iter().flat_map(|dir| [below(dir, beside).join(name), dir.join(name)]);
        let mut places = [beside.join(name), beside.join(".debug").join(name)].into_iter().chain(within);
        places.find_map(|place| {
            let bytes = input::open_regular(&place).ok()?;
            (memtrack_format::crc32(&bytes) == checksum).then_some(bytes)
        })
    }
}
