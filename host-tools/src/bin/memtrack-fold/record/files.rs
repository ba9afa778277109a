//! The dumps of a run.
//!
//! Each process writes a dump with its process id in the name. After the run, the dump of the program itself gets
//! the name that the user asked for.

use std::collections::HashSet;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::io;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use memtrack_host_tools::Error;
use memtrack_host_tools::reader::Dump;

/// The place and the names of the dumps.
pub(super) struct Files {
    /// The absolute path of the folder.
    folder: PathBuf,
    /// The part of a name in front of the process id.
    prefix: OsString,
    /// The part behind it.
    suffix: OsString,
    /// The final name of the program's own dump; `None` if it keeps its process id.
    name: Option<OsString>,
    /// Files from before this run whose names look like its dumps.
    before: HashSet<OsString>,
}

impl Files {
    /// For dumps that are named `output`, or after the program.
    pub(super) fn new(output: Option<&Path>, program: &OsStr) -> io::Result<Self> {
        let files = match output {
            Some(path) => {
                // Absolute: the program may change its directory before it writes.
                let path = std::path::absolute(path)?;
                let missing = || io::Error::new(io::ErrorKind::InvalidInput, "it names no file");
                let name = path.file_name().ok_or_else(missing)?.to_owned();
                if path.is_dir() {
                    let text = format!("{} is a folder: give the name of a file in it", path.display());
                    return Err(io::Error::new(io::ErrorKind::IsADirectory, text));
                }
                let folder = path.parent().map_or_else(|| PathBuf::from("/"), Path::to_path_buf);
                let prefix = joined(&name, ".");
                Files { folder, prefix, suffix: OsString::new(), name: Some(name), before: HashSet::new() }
            }
            None => {
                let name = Path::new(program).file_name().unwrap_or(program);
                let (folder, prefix) = (std::env::current_dir()?, joined(name, "."));
                Files { folder, prefix, suffix: ".memtrack".into(), name: None, before: HashSet::new() }
            }
        };
        // A missing or read-only folder is an error before the program runs.
        tempfile::tempfile_in(&files.folder)
            .map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", files.folder.display())))?;
        let before = files.found()?.map(|(name, _)| name).collect();
        Ok(Files { before, ..files })
    }

    /// The value of `MEMTRACK_DUMP`.
    pub(super) fn template(&self) -> OsString {
        let escaped = |text: &OsStr| {
            let mut escaped = Vec::new();
            for &byte in text.as_bytes() {
                escaped.extend(std::iter::repeat_n(byte, if byte == b'%' { 2 } else { 1 }));
            }
            escaped
        };
        let mut template = escaped(self.folder.join(&self.prefix).as_os_str());
        template.extend_from_slice(b"%p");
        template.extend(escaped(&self.suffix));
        OsString::from_vec(template)
    }

    /// After the run: gives the dump of process `pid` its name, and removes the empty files of killed processes. Returns
    /// the program's dump, if it wrote one, and the number of its children's dumps.
    pub(super) fn collect(&self, pid: u32) -> io::Result<(Option<PathBuf>, usize)> {
        let mut own = None;
        let mut children = 0;
        let new: Vec<_> =
            self.found()?.filter(|(name, of)| *of == pid || !self.before.contains(name)).collect();
        for (name, of) in new {
            let path = self.folder.join(&name);
            if holds_nothing(&path)? {
                // A process that still runs creates its file anew at its end.
                fs::remove_file(&path)?;
            } else if of == pid {
                own = Some(path);
            } else {
                children += 1;
            }
        }
        if let (Some(path), Some(name)) = (&mut own, &self.name) {
            let named = self.folder.join(name);
            hand_over(path, &named).map_err(|error| {
                io::Error::new(error.kind(), format!("{error}: it is {}", path.display()))
            })?;
            *path = named;
        }
        Ok((own, children))
    }

    /// The file with the requested name, if it is from before this run.
    pub(super) fn of_before(&self) -> Option<PathBuf> {
        self.name.as_ref().map(|name| self.folder.join(name)).filter(|path| path.is_file())
    }

    /// The files whose names look like dumps, and the process ids in the names.
    fn found(&self) -> io::Result<impl Iterator<Item = (OsString, u32)>> {
        let pid = |name: &OsStr| {
            let rest = name.as_bytes().strip_prefix(self.prefix.as_bytes())?;
            let digits = rest.strip_suffix(self.suffix.as_bytes())?;
            std::str::from_utf8(digits).ok().filter(|text| !text.starts_with('+'))?.parse().ok()
        };
        let names = fs::read_dir(&self.folder)?.filter_map(Result::ok).map(|entry| entry.file_name());
        Ok(names.filter_map(move |name| pid(&name).map(|pid| (name, pid))))
    }
}

/// Whether a file has no snapshot. It may have the mark of the process that began it.
fn holds_nothing(path: &Path) -> io::Result<bool> {
    /// The largest size of a mark: its command line takes a kilobyte at most.
    const BEYOND_MARKS: u64 = 4096;
    let length = fs::metadata(path)?.len();
    if length == 0 || length > BEYOND_MARKS {
        return Ok(length == 0);
    }
    Ok(matches!(Dump::open(path, &fs::read(path)?), Err(Error::NoSnapshot { begun: Some(_), .. })))
}

/// Moves a dump to its requested path. Replaces the target of a link, and writes into a device or pipe.
fn hand_over(dump: &Path, named: &Path) -> io::Result<()> {
    let target = fs::canonicalize(named).unwrap_or_else(|_| named.into());
    let is_special = fs::metadata(&target).is_ok_and(|metadata| !metadata.is_file());
    let moved =
        if is_special { Err(io::ErrorKind::CrossesDevices.into()) } else { fs::rename(dump, &target) };
    match moved {
        // The target of a link may be on another file system, where only a copy works.
        Err(error) if error.kind() == io::ErrorKind::CrossesDevices => {
            let mut to =
                fs::OpenOptions::new().write(true).create(true).truncate(!is_special).open(&target)?;
            io::copy(&mut fs::File::open(dump)?, &mut to)?;
            fs::remove_file(dump)
        }
        moved => moved,
    }
}

fn joined(name: &OsStr, behind: &str) -> OsString {
    let mut joined = name.to_owned();
    joined.push(behind);
    joined
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dumps_are_told_from_other_files_and_the_programs_own_gets_its_name() {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
        file("a%b.7", "of a run before");
        let files = Files::new(Some(&folder.path().join("a%b")), OsStr::new("program")).unwrap();
        let template = files.template();
        assert!(template.to_str().unwrap().ends_with("/a%%b.%p"), "{template:?}");
        file("a%b.11", "the program's");
        file("a%b.12", "a child's");
        file("a%b.13", "");
        file("a%b.x", "another's");
        let (own, children) = files.collect(11).unwrap();
        assert_eq!((own, children), (Some(folder.path().join("a%b")), 1));
        let mut left: Vec<_> =
            fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        left.sort();
        assert_eq!(left, ["a%b", "a%b.12", "a%b.7", "a%b.x"]);
    }

    #[test]
    fn links_and_pipes_are_written_through() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::create_dir(at("sub")).unwrap();
        std::os::unix::fs::symlink("sub/real", at("link")).unwrap();
        fs::write(at("sub/real"), "of a run before, and longer").unwrap();
        fs::write(at("one"), "a dump").unwrap();
        hand_over(&at("one"), &at("link")).unwrap();
        assert!(at("link").is_symlink() && !at("one").exists());
        assert_eq!(fs::read(at("sub/real")).unwrap(), b"a dump");

        let pipe = std::ffi::CString::new(at("pipe").into_os_string().into_encoded_bytes()).unwrap();
        // SAFETY: the path is a C string.
        assert_eq!(unsafe { libc::mkfifo(pipe.as_ptr(), 0o600) }, 0);
        fs::write(at("two"), "another").unwrap();
        let reader = std::thread::spawn({
            let pipe = at("pipe");
            move || fs::read(pipe).unwrap()
        });
        hand_over(&at("two"), &at("pipe")).unwrap();
        assert_eq!(reader.join().unwrap(), b"another");
        assert!(!fs::metadata(at("pipe")).unwrap().is_file() && !at("two").exists());
    }

    #[test]
    fn a_folder_is_refused_before_the_program_runs() {
        let folder = tempfile::tempdir().unwrap();
        let error = Files::new(Some(folder.path()), OsStr::new("program")).err().unwrap();
        assert!(error.to_string().ends_with("is a folder: give the name of a file in it"), "{error}");
    }
}
