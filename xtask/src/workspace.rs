//! The workspace, as cargo describes it.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use cargo_metadata::{CargoOpt, DependencyKind, Metadata, MetadataCommand, Package, PackageId};
use serde::Deserialize;

/// The folder of the root `Cargo.toml`. Cargo names it to the programs that it runs; the name in this program may be of another
/// checkout that shares the target directory.
pub(crate) fn root() -> PathBuf {
    let own = std::env::var_os("CARGO_MANIFEST_DIR").unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").into());
    let own = PathBuf::from(own);
    own.parent().map_or(own.clone(), Path::to_path_buf)
}

/// The folders that have a workspace of their own.
pub(crate) const ALL: [&str; 5] = [".", "benches/programs", "examples/browser", "examples/firmware", "fuzz"];

/// `cargo metadata`.
pub(crate) fn metadata() -> Result<Metadata> {
    metadata_of(".")
}

/// The same of one of the workspaces.
pub(crate) fn metadata_of(folder: &str) -> Result<Metadata> {
    MetadataCommand::new().current_dir(root().join(folder)).exec().context("cargo metadata")
}

/// The same with the dependencies that only features bring.
pub(crate) fn metadata_with_all_features() -> Result<Metadata> {
    let mut command = MetadataCommand::new();
    command.current_dir(root()).features(CargoOpt::AllFeatures).exec().context("cargo metadata")
}

/// The folder in which cargo builds.
pub(crate) fn target() -> Result<PathBuf> {
    Ok(metadata()?.target_directory.into())
}

/// A suite's entry in `[package.metadata.suites]`.
#[derive(Default, Deserialize)]
pub(crate) struct SuiteMetadata {
    /// Programs of the machine, and the Debian packages that bring them.
    #[serde(default)]
    pub(crate) needs: BTreeMap<String, String>,
    /// It runs optimised only.
    #[serde(default)]
    pub(crate) once: bool,
}

/// The entry of one of a package's tests.
pub(crate) fn suite(package: &Package, test: &str) -> Result<SuiteMetadata> {
    match package.metadata.get("suites").and_then(|suites| suites.get(test)) {
        Some(entry) => Ok(SuiteMetadata::deserialize(entry)?),
        None => Ok(SuiteMetadata::default()),
    }
}

/// All packages that are built into `package`, their build scripts included; its tests' packages are not.
pub(crate) fn dependencies<'m>(metadata: &'m Metadata, package: &'m Package) -> Vec<&'m Package> {
    let nodes = metadata.resolve.iter().flat_map(|resolve| &resolve.nodes);
    let nodes: HashMap<&PackageId, _> = nodes.map(|node| (&node.id, &node.deps)).collect();
    let mut found = vec![&package.id];
    let mut next = 0;
    while let Some(id) = found.get(next).copied() {
        next += 1;
        for dependency in nodes.get(id).into_iter().copied().flatten() {
            let built_in = dependency.dep_kinds.iter().any(|kind| kind.kind != DependencyKind::Development);
            if built_in && !found.contains(&&dependency.pkg) {
                found.push(&dependency.pkg);
            }
        }
    }
    found[1..].iter().map(|&id| &metadata[id]).collect()
}
