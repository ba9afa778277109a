//! Finds separate debug files: by build id, by the name in the binary, or on servers.

use std::path::{Path, PathBuf};

use object::Object;

use super::binary::{Binary, File};
use super::contained::contained;
use super::find::{Found, Missing, Search};
use super::paths::below;
use super::{bundle, image, pdb};
use crate::modules::{Module, last_part};
use crate::units::hex;

/// The directory of separate debug files, besides those that the user names.
const DEBUG_DIR: &str = "/usr/lib/debug";

impl Found {
    fn has_debug_info(&self) -> bool {
        std::iter::once(&self.binary).chain(&self.debug).any(|bytes| image::has_debug_info(bytes))
    }
}

impl Search {
    /// The separate debug file of a module whose binary is at `path`, if there is one.
    pub(super) fn debug_file(&self, build_id: &[u8], path: &Path, binary: Option<&[u8]>) -> Option<Binary> {
        self.by_build_id(build_id)
            .or_else(|| bundle::find(build_id, path, &self.directories()))
            .or_else(|| self.database(build_id, path, binary))
            .or_else(|| self.by_link(path, binary?))
    }

    /// The directories of debug files: the user's first, then the system's.
    fn directories(&self) -> Vec<PathBuf> {
        let system = match &self.sysroot {
            Some(root) => below(root, Path::new(DEBUG_DIR)),
            None => DEBUG_DIR.into(),
        };
        self.debug_dirs.iter().cloned().chain([system]).collect()
    }

    /// `.build-id/ab/cdef….debug` in the first debug directory that has it.
    fn by_build_id(&self, build_id: &[u8]) -> Option<Binary> {
        let (first, rest) = build_id.split_first().filter(|(_, rest)| !rest.is_empty())?;
        let below = format!(".build-id/{}/{}.debug", hex(&[*first]), hex(rest));
        self.directories().iter().find_map(|dir| Binary::open(&dir.join(&below), build_id))
    }

    /// The database of a Windows program: beside it, in a debug directory, or there in the layout of symbol
    /// servers.
    fn database(&self, build_id: &[u8], path: &Path, binary: Option<&[u8]>) -> Option<Binary> {
        let store = pdb::store_name(build_id)?;
        let own = binary.and_then(|binary| {
            let file = object::File::parse(binary).ok()?;
            let path = file.pdb_info().ok()??.path();
            // Accept only a file name, so that it can't lead out of the directory.
            std::str::from_utf8(last_part(path))
                .ok()
                .filter(|name| !name.is_empty() && *name != "..")
                .map(PathBuf::from)
        });
        let name = own.or_else(|| Some(Path::new(path.file_name()?).with_extension("pdb")))?;
        let within = self.directories();
        let within =
            within.iter().flat_map(|dir| [dir.join(&name), dir.join(&name).join(&store).join(&name)]);
        let mut places = std::iter::once(path.with_file_name(&name)).chain(within);
        places.find_map(|place| Binary::open(&place, build_id))
    }

    /// Asks the servers for debug information that is not on this machine.
    pub(super) fn ask_servers(
        &self,
        module: &Module,
        found: Result<Found, Missing>,
        failed: &mut Option<String>,
    ) -> Result<Found, Missing> {
        let enough = match &found {
            Ok(found) => found.forced || found.has_debug_info(),
            Err(missing) => *missing == Missing::Virtual,
        };
        if enough {
            return found;
        }
        match self.servers.debug_file(&module.build_id) {
            Ok(Some(debug)) => Ok(match found {
                Ok(found) => Found { debug: Some(debug), ..found },
                Err(_) => Found::debug_alone(module.shown_path().into(), debug),
            }),
            Ok(None) => found,
            Err(reason) => {
                *failed = Some(reason);
                found
            }
        }
    }

    /// The file that a binary or its debug file names in `.gnu_debugaltlink`: `dwz` moves data there that
    /// several debug files share. Its build id must be the one in the link.
    pub(super) fn supplement(&self, of: &Binary) -> Option<Binary> {
        let (name, build_id) = contained(|| {
            let file = object::File::parse(&of[..]).ok()?;
            let (name, build_id) = file.gnu_debugaltlink().ok()??;
            Some((std::str::from_utf8(name).ok()?.to_string(), build_id.to_vec()))
        })
        .ok()??;
        let name = Path::new(&name);
        let named = match &self.sysroot {
            Some(root) if name.is_absolute() => below(root, name),
            _ => of.path().parent()?.join(name),
        };
        // `../../.dwz/NAME` is relative to a debug file, so look for `.dwz/NAME` in each debug directory.
        let within = self.directories().into_iter().map(|dir| below(&dir, name));
        let mut places = std::iter::once(named).chain(within);
        places
            .find_map(|place| Binary::open(&place, &build_id))
            .or_else(|| self.by_build_id(&build_id))
            .or_else(|| self.servers.debug_file(&build_id).ok()?)
    }

    /// The file that a binary names in `.gnu_debuglink`: beside it, in `.debug` there, or below a debug
    /// directory.
    fn by_link(&self, path: &Path, binary: &[u8]) -> Option<Binary> {
        let file = object::File::parse(binary).ok()?;
        let (name, checksum) = file.gnu_debuglink().ok()??;
        let own = file.build_id().ok().flatten().unwrap_or_default().to_vec();
        // Accept only a file name, so that it can't lead out of the directory.
        let name = std::str::from_utf8(name).ok().filter(|name| !name.contains(['/', '\\']))?;
        let beside = path.parent()?;
        let within = self.directories();
        let within = within.iter().flat_map(|dir| [below(dir, beside).join(name), dir.join(name)]);
        let mut places = [beside.join(name), beside.join(".debug").join(name)].into_iter().chain(within);
        places.find_map(|place| {
            let (debug, id) = File::open(&place).ok()?.of(&own).ok()?;
            // If both have build ids, those are better evidence than the checksum.
            let differs = !own.is_empty() && !id.is_empty() && own != id;
            (!differs && memtrack_format::crc32(&debug) == checksum).then_some(debug)
        })
    }
}
