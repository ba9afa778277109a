//! Stage `scan`: find the files worth reading.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::metadata::Package;

const KINDS: [&str; 3] = ["rs", "md", "toml"];

/// One file of the corpus; its number is its index in [`Corpus::sources`].
#[derive(Debug)]
pub(crate) struct Source {
    package: usize,
    path: PathBuf,
}

/// The packages and all their files, in an order that is the same in every run.
#[derive(Debug)]
pub(crate) struct Corpus {
    packages: Vec<Package>,
    pub(crate) sources: Vec<Source>,
}

impl Corpus {
    pub(crate) fn scan(packages: Vec<Package>) -> Result<Self> {
        let mut sources = Vec::new();
        for (number, package) in packages.iter().enumerate() {
            walk(&package.root, &mut |path| sources.push(Source { package: number, path }))?;
        }
        Ok(Self { packages, sources })
    }

    pub(crate) fn path(&self, source: u32) -> &Path {
        &self.sources[source as usize].path
    }

    /// `package version` and the path within it, for readers.
    pub(crate) fn title(&self, source: u32) -> (String, String) {
        let source = &self.sources[source as usize];
        let package = &self.packages[source.package];
        let inside = source.path.strip_prefix(&package.root).unwrap_or(&source.path);
        (format!("{} {}", package.name, package.version), inside.display().to_string())
    }

    pub(crate) fn packages(&self) -> usize {
        self.packages.len()
    }
}

/// Visits the files of the wanted kinds below `directory`, in order of name. Symbolic links are not followed.
fn walk(directory: &Path, visit: &mut impl FnMut(PathBuf)) -> Result<()> {
    let listing = fs::read_dir(directory).with_context(|| format!("cannot list {}", directory.display()))?;
    let mut entries = listing.collect::<Result<Vec<_>, _>>()?;
    entries.sort_by_key(|entry| entry.file_name());
    for entry in entries {
        let kind = entry.file_type()?;
        let path = entry.path();
        if kind.is_dir() {
            walk(&path, visit)?;
        } else if kind.is_file() && is_wanted(&path) {
            visit(path);
        }
    }
    Ok(())
}

fn is_wanted(path: &Path) -> bool {
    path.extension().is_some_and(|extension| KINDS.iter().any(|kind| extension == *kind))
}
