//! What cargo knows of this workspace.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde::Deserialize;

use crate::tool;

/// The folder of the root `Cargo.toml`. Cargo tells it to what it runs; what was compiled in may be another checkout
/// that shares the target directory.
pub(crate) fn root() -> PathBuf {
    let own = std::env::var_os("CARGO_MANIFEST_DIR").unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").into());
    let own = PathBuf::from(own);
    own.parent().map_or(own.clone(), Path::to_path_buf)
}

/// `cargo metadata`.
#[derive(Deserialize)]
pub(crate) struct Metadata {
    packages: Vec<Package>,
    workspace_members: Vec<String>,
    resolve: Resolve,
    /// Where cargo builds.
    pub(crate) target_directory: PathBuf,
}

#[derive(Deserialize)]
pub(crate) struct Package {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) rust_version: Option<String>,
    pub(crate) targets: Vec<Target>,
    manifest_path: PathBuf,
    pub(crate) features: HashMap<String, Vec<String>>,
    #[serde(default, deserialize_with = "or_default")]
    metadata: PackageMetadata,
}

#[derive(Deserialize)]
pub(crate) struct Target {
    pub(crate) name: String,
    pub(crate) kind: Vec<String>,
}

/// `[package.metadata]`.
#[derive(Default, Deserialize)]
struct PackageMetadata {
    #[serde(default)]
    suites: HashMap<String, SuiteMetadata>,
}

/// `[package.metadata.suites.<name of the test>]`.
#[derive(Default, Deserialize)]
struct SuiteMetadata {
    /// Programs of the machine, and the Debian packages that bring them.
    #[serde(default)]
    needs: BTreeMap<String, String>,
    /// Unoptimised it would take long and say the same.
    #[serde(default)]
    once: bool,
}

impl Package {
    /// Whether that one of its tests is run optimised alone.
    pub(crate) fn is_run_once(&self, test: &str) -> bool {
        self.metadata.suites.get(test).is_some_and(|suite| suite.once)
    }

    /// The programs that one of its tests needs, each with the Debian package that brings it.
    pub(crate) fn needs(&self, test: &str) -> impl Iterator<Item = (&String, &String)> {
        self.metadata.suites.get(test).into_iter().flat_map(|suite| &suite.needs)
    }
}

#[derive(Deserialize)]
struct Resolve {
    nodes: Vec<Node>,
}

#[derive(Deserialize)]
struct Node {
    id: String,
    deps: Vec<Dependency>,
}

#[derive(Deserialize)]
struct Dependency {
    pkg: String,
    dep_kinds: Vec<DependencyKind>,
}

#[derive(Deserialize)]
struct DependencyKind {
    kind: Option<String>,
}

/// `null` is as good as nothing.
fn or_default<'de, T: Default + Deserialize<'de>, D: serde::Deserializer<'de>>(
    from: D,
) -> Result<T, D::Error> {
    Option::deserialize(from).map(Option::unwrap_or_default)
}

impl Metadata {
    pub(crate) fn read() -> Result<Self> {
        Metadata::of(&["metadata", "--format-version=1"])
    }

    /// With the dependencies that only features bring.
    pub(crate) fn with_all_features() -> Result<Self> {
        Metadata::of(&["metadata", "--format-version=1", "--all-features"])
    }

    fn of(command: &[&str]) -> Result<Self> {
        let json = tool::output(&mut tool::cargo_command(command))?;
        serde_json::from_slice(&json).context("cargo metadata")
    }

    /// The workspace's own packages.
    pub(crate) fn members(&self) -> impl Iterator<Item = &Package> {
        self.packages.iter().filter(|package| self.workspace_members.contains(&package.id))
    }

    /// Where the sources of a package lie, one of the workspace or one that it is built with.
    pub(crate) fn package_folder(&self, name: &str) -> Option<&Path> {
        self.packages.iter().find(|package| package.name == name)?.manifest_path.parent()
    }

    pub(crate) fn has_member(&self, name: &str) -> bool {
        self.members().any(|package| package.name == name)
    }

    /// All packages that are built into `package`, their build scripts included; its tests' packages are not.
    pub(crate) fn dependencies(&self, package: &Package) -> Vec<&Package> {
        let nodes: HashMap<_, _> = self.resolve.nodes.iter().map(|node| (&node.id, &node.deps)).collect();
        let mut found = vec![&package.id];
        let mut next = 0;
        while let Some(id) = found.get(next).copied() {
            next += 1;
            let dependencies = nodes.get(id).into_iter().copied().flatten();
            for dependency in dependencies {
                let built_in = dependency.dep_kinds.iter().any(|kind| kind.kind.as_deref() != Some("dev"));
                if built_in && !found.contains(&&dependency.pkg) {
                    found.push(&dependency.pkg);
                }
            }
        }
        self.packages.iter().filter(|other| other.id != package.id && found.contains(&&other.id)).collect()
    }
}
