//! Opens `.dSYM` bundles: folders with the debug information of Mach-O binaries.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use super::binary::{Binary, File};
use crate::Error;

/// Opens a file, or the file in a bundle.
pub(super) fn open(path: &Path) -> Result<File, Error> {
    File::open(files(path).first().map_or(path, PathBuf::as_path))
}

/// Finds the debug file of a build: in the bundle beside the binary, or in any bundle in one of the
/// directories.
pub(super) fn find(build_id: &[u8], path: &Path, directories: &[PathBuf]) -> Option<Binary> {
    if build_id.is_empty() {
        return None;
    }
    let mut beside = path.as_os_str().to_owned();
    beside.push(".dSYM");
    let within = directories.iter().flat_map(|directory| entries(directory)).filter(|path| is_bundle(path));
    let mut files = std::iter::once(PathBuf::from(beside)).chain(within).flat_map(|bundle| files(&bundle));
    files.find_map(|file| Binary::open(&file, build_id))
}

fn is_bundle(path: &Path) -> bool {
    path.extension() == Some(OsStr::new("dSYM"))
}

/// The debug files in a bundle. Usually there is one, named like the binary.
fn files(bundle: &Path) -> Vec<PathBuf> {
    if is_bundle(bundle) { entries(&bundle.join("Contents/Resources/DWARF")) } else { Vec::new() }
}

/// The entries of a directory, by name; empty if there is no such directory.
fn entries(directory: &Path) -> Vec<PathBuf> {
    let read = std::fs::read_dir(directory).into_iter().flatten();
    let mut paths: Vec<PathBuf> = read.filter_map(|entry| Some(entry.ok()?.path())).collect();
    paths.sort();
    paths
}
