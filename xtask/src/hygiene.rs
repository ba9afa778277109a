//! Text that the repository must not have: paths that exist on one machine only, addresses of package registries (the user's
//! own configuration says from where packages come), and links that lead nowhere.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Result, ensure};

use crate::suite::Missing;
use crate::{links, tool, workspace};

/// Folders at the root of a machine under which people keep their own files.
const FOLDERS: [&str; 4] = ["home", "root", "work", "Users"];

/// Hosts of registries and their mirrors, in two parts so that this file does not name them itself.
const HOSTS: [(&str, &str); 7] = [
    ("index.", "crates.io"),
    ("static.", "crates.io"),
    ("crates.io", "-index"),
    ("registry.", "npmjs.org"),
    ("pypi.", "org/simple"),
    ("deb.", "debian.org"),
    ("proxy.", "golang.org"),
];

pub(crate) fn check() -> Result<()> {
    let has_git = tool::which("git").is_some() && workspace::root().join(".git").exists();
    ensure!(has_git, Missing("needs the Debian package git, and a git checkout".into()));
    let arguments = ["ls-files", "-z", "--cached", "--others", "--exclude-standard"];
    let names = tool::output(Command::new("git").args(arguments).current_dir(workspace::root()))?;
    let names = String::from_utf8_lossy(&names);
    let files = Files::new(names.split_terminator('\0'));
    let mut complaints = Vec::new();
    for file in names.split_terminator('\0').filter(|file| !file.ends_with("Cargo.lock")) {
        // A deleted file is listed until it is committed, and some files are no text.
        let Ok(text) = fs::read_to_string(workspace::root().join(file)) else { continue };
        for (number, line) in (1..).zip(text.lines()) {
            complaints.extend(complaint(line).map(|what| format!("{file}:{number}: {what}")));
        }
        if file.ends_with(".md") {
            let broken = links::complaints(Path::new(file), &text, &files);
            complaints.extend(broken.into_iter().map(|(line, what)| format!("{file}:{line}: {what}")));
        }
    }
    ensure!(complaints.is_empty(), "{}", complaints.join("\n"));
    Ok(())
}

/// The files that git lists, and the folders that contain them.
struct Files(BTreeSet<PathBuf>);

impl Files {
    fn new<'n>(names: impl Iterator<Item = &'n str>) -> Self {
        Files(names.flat_map(|name| Path::new(name).ancestors().map(Path::to_path_buf)).collect())
    }
}

impl links::Files for Files {
    fn exists(&self, path: &Path) -> bool {
        self.0.contains(path)
    }

    fn text(&self, path: &Path) -> Option<String> {
        fs::read_to_string(workspace::root().join(path)).ok()
    }
}

fn complaint(line: &str) -> Option<String> {
    let registry = HOSTS.iter().map(|(a, b)| format!("{a}{b}")).find(|host| line.contains(host));
    if let Some(host) = registry {
        return Some(format!("the address of a registry: {host}"));
    }
    FOLDERS.iter().find_map(|folder| {
        let path = format!("/{folder}/");
        // In the middle of a longer path or address it is no folder of the machine.
        let absolute = |&(at, _): &(usize, &str)| {
            let before = line[..at].chars().next_back();
            !before.is_some_and(|c| c.is_alphanumeric() || "_.$}-~)".contains(c))
        };
        line.match_indices(&path).find(absolute).map(|_| format!("a path of one machine: {path}"))
    })
}

#[cfg(test)]
mod tests {
    use super::{FOLDERS, HOSTS, complaint};

    #[test]
    fn machine_paths_are_found_and_others_are_not() {
        for folder in FOLDERS {
            for before in ["", "open ", "\"", "file://", "="] {
                assert!(complaint(&format!("{before}/{folder}/someone/x")).is_some(), "{before}");
            }
            for before in ["$HOME", "target", "..", "${X}", "example.org"] {
                assert_eq!(complaint(&format!("{before}/{folder}/x")), None);
            }
            assert_eq!(complaint(&format!("/{folder}s/x and /usr/{folder}/x")), None);
        }
    }

    #[test]
    fn registries_are_found() {
        for (a, b) in HOSTS {
            assert!(complaint(&format!("see https://{a}{b}/x")).is_some());
        }
        assert_eq!(complaint("published on crates.io"), None);
    }
}
