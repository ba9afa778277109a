//! The minimum Rust versions that crates state: no dependency of a crate may need a newer compiler. Clippy's
//! `incompatible_msrv` checks the crate's own code.

use anyhow::{Result, ensure};
use cargo_metadata::Metadata;

use crate::workspace;

pub(crate) fn check() -> Result<()> {
    let mut complaints = Vec::new();
    // Fuzzing needs a nightly compiler.
    for folder in workspace::ALL.into_iter().filter(|folder| *folder != "fuzz") {
        complaints.extend(complaints_about(&workspace::metadata_of(folder)?));
    }
    ensure!(complaints.is_empty(), "{}", complaints.join("\n"));
    Ok(())
}

fn complaints_about(metadata: &Metadata) -> Vec<String> {
    let mut complaints = Vec::new();
    for member in metadata.workspace_packages() {
        let Some(stated) = &member.rust_version else {
            complaints.push(format!("{} states no rust-version", member.name));
            continue;
        };
        for dependency in workspace::dependencies(metadata, member) {
            if let Some(needed) = dependency.rust_version.as_ref().filter(|needed| *needed > stated) {
                complaints.push(format!(
                    "{} states rust-version {stated}, but {} {} needs {needed}",
                    member.name, dependency.name, dependency.version
                ));
            }
        }
    }
    complaints
}
