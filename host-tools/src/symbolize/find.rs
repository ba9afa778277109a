//! Finds the file that holds a module's names: the one that the user gave, the one at the path in the dump,
//! or a separate debug file. A file other than the one that ran is used only if the user forces it.

use std::path::{Path, PathBuf};

use crate::modules::{Module, last_part};
use crate::units::hex;
use crate::{Error, input};

use super::binary::Binary;
use super::paths::{below, to_path};
use super::same::{Difference, Doubt, Match, compare};
use super::server::Servers;
use super::{bundle, split};

/// Where to search for binaries.
#[derive(Clone, Debug, Default)]
pub struct Search {
    /// Binaries that the user gave.
    pub binaries: Vec<PathBuf>,
    /// Directories of separate debug files, searched before `/usr/lib/debug`.
    pub debug_dirs: Vec<PathBuf>,
    /// Root of the target's file system, if it is not this machine's.
    pub sysroot: Option<PathBuf>,
    /// Whether to use files other than those that ran.
    pub force: bool,
    /// Servers that provide debug files.
    pub servers: Servers,
}

/// Why a module has no names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Missing {
    /// There is no file at its path.
    File(PathBuf),
    /// The file at its path can't be used.
    Unusable(PathBuf, String),
    /// The file at its path is of another build, with this build id; empty if it has none.
    OtherBuild(PathBuf, String),
    /// The file at its path has changed since the program ran, and the dump has no build id.
    Changed(PathBuf),
    /// It is not a file, but the kernel's vdso, or code made at run time.
    Virtual,
    /// The file has neither debug information nor symbols.
    Stripped(PathBuf),
}

/// A module's binary and its debug file.
pub(super) struct Found {
    /// The path of the binary.
    pub(super) path: PathBuf,
    /// Its content.
    pub(super) binary: Binary,
    /// A separate debug file, or the second file that the user gave.
    pub(super) debug: Option<Binary>,
    /// Whether it is not the file that ran, and the user forces its use.
    pub(super) forced: bool,
    /// The reason for doubt that it is the file that ran.
    pub(super) doubt: Option<Doubt>,
}

impl Found {
    /// A debug file of the right build, without the binary.
    pub(super) fn debug_alone(path: PathBuf, debug: Binary) -> Self {
        Found { path, binary: debug, debug: None, forced: false, doubt: None }
    }
}

impl Search {
    /// The module that represents a program without modules, on bare metal: the binary that the user gave.
    #[must_use]
    pub fn bare_module(&self) -> Option<Module> {
        let path = self.binaries.first()?;
        let everywhere =
            memtrack_format::Segment { length: u64::MAX, executable: true, ..Default::default() };
        Some(Module {
            path: path.as_os_str().as_encoded_bytes().to_vec(),
            bias: bundle::open(path).map_or(0, |file| file.code_start()),
            bare: true,
            segments: vec![everywhere],
            ..Module::default()
        })
    }

    /// Assigns the user's binaries to modules: by build id, else by file name, else to the program itself. A
    /// file that was loaded several times is assigned to all of its modules.
    pub(super) fn assign(&self, modules: &[Module]) -> Result<Vec<Option<Found>>, Error> {
        let mut assigned: Vec<Option<Found>> = modules.iter().map(|_| None).collect();
        for path in &self.binaries {
            let file = bundle::open(path)?;
            let unusable = |reason| Error::UnusableBinary { path: path.clone(), reason };
            let ids = file.build_ids().map_err(unusable)?;
            let name = last_part(path.as_os_str().as_encoded_bytes());
            let same_name = |module: &Module| last_part(&module.path) == name;
            let by_id = |module: &Module| !module.build_id.is_empty() && ids.contains(&module.build_id);
            let by_id = modules.iter().position(by_id);
            let Some(first) = by_id.or_else(|| modules.iter().position(same_name)).or(first(modules)) else {
                continue;
            };
            let module = &modules[first];
            let (binary, id) = file.of(&module.build_id).map_err(unusable)?;
            let (forced, doubt) = match compare(module, &id, std::fs::metadata(path).ok().as_ref()) {
                Match::Other(Difference::BuildId) if !id.is_empty() => (true, None),
                // The user claims that this is the file that ran. Only another build id refutes that.
                Match::Other(Difference::BuildId) => (false, Some(Doubt::IdInDumpOnly)),
                Match::Other(Difference::Changed) if id.is_empty() => (false, Some(Doubt::NoIds)),
                Match::Other(Difference::Changed) => (false, Some(Doubt::IdInFileOnly)),
                Match::Doubtful(Doubt::NoIds) if module.bare => (false, None),
                Match::Doubtful(doubt) => (false, Some(doubt)),
                Match::Same => (false, None),
            };
            if forced && !self.force {
                return Err(Error::WrongBinary {
                    path: path.clone(),
                    module: module.name(),
                    found: hex(&id),
                    wanted: hex(&module.build_id),
                });
            }
            let debug = self.debug_file(&id, path, Some(&binary));
            let loaded = |other: &Module| other.path == module.path && other.build_id == module.build_id;
            for (_, found) in modules.iter().zip(&mut assigned).filter(|(other, _)| loaded(other)) {
                match found {
                    // A second file for one module: a stripped program and its debug information.
                    Some(found) => {
                        found.debug = Some(binary.clone());
                        found.doubt = found.doubt.or(doubt);
                        found.forced |= forced;
                    }
                    none => {
                        let (binary, debug) = (binary.clone(), debug.clone());
                        *none = Some(Found { path: path.clone(), debug, binary, forced, doubt });
                    }
                }
            }
        }
        Ok(assigned)
    }

    /// Finds a module's binary by the path in the dump, or its debug file alone by build id.
    pub(super) fn find(&self, module: &Module) -> Result<Found, Missing> {
        let Some(path) = self.path_of(module) else { return Err(Missing::Virtual) };
        self.open(&path, module).or_else(|missing| match self.debug_file(&module.build_id, &path, None) {
            Some(debug) => Ok(Found::debug_alone(path, debug)),
            None => Err(missing),
        })
    }

    /// The places where the split debug information of a binary may be.
    pub(super) fn splits(&self, binary: &Path) -> split::Places {
        split::Places {
            binary: binary.into(),
            sysroot: self.sysroot.clone(),
            debug_dirs: self.debug_dirs.clone(),
        }
    }

    fn open(&self, path: &Path, module: &Module) -> Result<Found, Missing> {
        let unusable = |reason| Missing::Unusable(path.into(), reason);
        let file = bundle::open(path).map_err(|e| match e {
            Error::Read { source, .. } if source.kind() == std::io::ErrorKind::NotFound => {
                Missing::File(path.into())
            }
            Error::Read { source, .. } => unusable(source.to_string()),
            _ => unusable(input::NOT_REGULAR.into()),
        })?;
        let (binary, id) = file.of(&module.build_id).map_err(unusable)?;
        let (forced, doubt) = match compare(module, &id, std::fs::metadata(path).ok().as_ref()) {
            Match::Same => (false, None),
            Match::Doubtful(doubt) => (false, Some(doubt)),
            Match::Other(_) if self.force => (true, None),
            Match::Other(Difference::BuildId) => return Err(Missing::OtherBuild(path.into(), hex(&id))),
            Match::Other(Difference::Changed) => return Err(Missing::Changed(path.into())),
        };
        let debug = self.debug_file(&id, path, Some(&binary));
        Ok(Found { path: path.into(), binary, debug, forced, doubt })
    }

    /// The module's path on this machine; `None` if it is no file.
    fn path_of(&self, module: &Module) -> Option<PathBuf> {
        let text = module.path.strip_suffix(b" (deleted)").unwrap_or(&module.path);
        let path = to_path(text);
        // `linux-vdso.so.1` and `[vdso]` have no directory.
        if path.components().count() < 2 {
            return None;
        }
        Some(match &self.sysroot {
            Some(root) => below(root, &path),
            None => path,
        })
    }
}

/// The program itself is the first module.
fn first(modules: &[Module]) -> Option<usize> {
    (!modules.is_empty()).then_some(0)
}
