//! The sources of this project's dependencies, which cargo has downloaded.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use cargo_metadata::MetadataCommand;

/// The folders of the packages that came from elsewhere, from the output of `cargo metadata`.
pub(crate) fn folders(metadata: &Path) -> Result<Vec<PathBuf>> {
    let text = fs::read_to_string(metadata).with_context(|| format!("cannot read {}", metadata.display()))?;
    let metadata = MetadataCommand::parse(text)?;
    let foreign = metadata.packages.into_iter().filter(|package| package.source.is_some());
    let folders: Option<Vec<_>> =
        foreign.map(|package| Some(package.manifest_path.parent()?.into())).collect();
    let folders = folders.context("a manifest without a folder")?;
    ensure!(!folders.is_empty(), "there are no dependencies to read");
    Ok(folders)
}
