//! `.dSYM` bundles: folders in which the debug information of Mach-O binaries stands.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use super::binary::{Binary, File};
use crate::Error;

/// Opens a file; of a bundle that the user names, the file in it.
pub(super) fn open(path: &Path) -> Result<File, Error> {
    File::open(files(path).first().map_or(path, PathBuf::as_path))
}

/// What a bundle beside the binary, or any in one of the directories, has for a build.
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

/// The files of debug information in a bundle: as a rule one, named like the binary.
fn files(bundle: &Path) -> Vec<PathBuf> {
    if is_bundle(bundle) { entries(&bundle.join("Contents/Resources/DWARF")) } else { Vec::new() }
}

/// What is in a directory, by name; nothing where there is none.
fn entries(directory: &Path) -> Vec<PathBuf> {
    let read = std::fs::read_dir(directory).into_iter().flatten();
    let mut paths: Vec<PathBuf> = read.filter_map(|entry| Some(entry.ok()?.path())).collect();
    paths.sort();
    paths
}
