//! Stage `metadata`: ask cargo where the sources of the dependencies are.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use serde_json::Value;

/// A dependency and the directory of its source code.
#[derive(Debug, PartialEq)]
pub(crate) struct Package {
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) root: PathBuf,
}

/// The packages that came from a registry (or another repository), in order of name and version.
pub(crate) fn packages(kept: Option<&Path>) -> Result<Vec<Package>> {
    let json = match kept {
        Some(path) => std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?,
        None => ask_cargo()?,
    };
    let tree: Value = serde_json::from_slice(&json).context("`cargo metadata` printed no valid JSON")?;
    let mut packages = foreign_packages(&tree)?;
    packages.sort_by(|a, b| (&a.name, &a.version).cmp(&(&b.name, &b.version)));
    if packages.is_empty() {
        bail!("there are no dependencies to read: run this inside a cargo workspace that has some");
    }
    Ok(packages)
}

/// Packages of the workspace itself have no `source`: our own code is not part of the corpus.
fn foreign_packages(tree: &Value) -> Result<Vec<Package>> {
    let listed = tree["packages"].as_array().context("`cargo metadata` names no packages")?;
    listed
        .iter()
        .filter(|package| package["source"].is_string())
        .map(|package| {
            let text = |key: &str| {
                package[key].as_str().with_context(|| format!("a package without {key} in `cargo metadata`"))
            };
            let manifest = Path::new(text("manifest_path")?);
            let root = manifest.parent().context("a manifest path without a directory")?;
            Ok(Package { name: text("name")?.into(), version: text("version")?.into(), root: root.into() })
        })
        .collect()
}

/// Runs `cargo metadata` for this machine's platform, offline first. So a machine without network works
/// once the project was built on it.
fn ask_cargo() -> Result<Vec<u8>> {
    let platform = host_platform()?;
    let arguments = ["metadata", "--format-version", "1", "--filter-platform", &platform];
    let offline = cargo().args(arguments).arg("--offline").stderr(Stdio::null()).output()?;
    if offline.status.success() {
        return Ok(offline.stdout);
    }
    let online = cargo().args(arguments).stderr(Stdio::inherit()).output()?;
    if !online.status.success() {
        bail!("`cargo metadata` failed: run this inside a cargo workspace");
    }
    Ok(online.stdout)
}

fn host_platform() -> Result<String> {
    let about = cargo().arg("-vV").output().context("cannot run cargo")?.stdout;
    let about = String::from_utf8(about).context("`cargo -vV` printed no text")?;
    let host = about.lines().find_map(|line| line.strip_prefix("host: "));
    Ok(host.context("`cargo -vV` names no host")?.to_owned())
}

fn cargo() -> Command {
    Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_foreign_packages_count() {
        let tree = serde_json::json!({ "packages": [
            { "name": "ours", "version": "1.0.0", "source": null, "manifest_path": "/here/Cargo.toml" },
            { "name": "theirs", "version": "2.0.0", "source": "registry+…", "manifest_path": "/there/Cargo.toml" },
        ]});
        let theirs = Package { name: "theirs".into(), version: "2.0.0".into(), root: "/there".into() };
        assert_eq!(foreign_packages(&tree).unwrap(), [theirs]);
    }

    #[test]
    fn a_package_without_a_manifest_is_an_error() {
        let tree = serde_json::json!({ "packages": [{ "name": "odd", "version": "1.0.0", "source": "x" }] });
        let message = foreign_packages(&tree).unwrap_err().to_string();
        assert!(message.contains("manifest_path"), "{message}");
    }
}
