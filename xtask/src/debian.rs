//! Debian packages: installed where that is allowed, or unpacked under a folder of our own, where they change
//! nothing of the machine.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::{Mutex, PoisonError};

use anyhow::{Context, Result};

use crate::tool;

/// Whether packages may be installed: there is apt, and we are root.
pub(crate) fn may_install() -> bool {
    let root = || tool::output(Command::new("id").arg("-u")).is_ok_and(|id| id.trim_ascii() == b"0");
    tool::which("apt-get").is_some() && root()
}

/// Installs packages.
pub(crate) fn install(packages: &[String]) -> Result<()> {
    with_lists(|| {
        let mut apt = apt_get();
        tool::run(apt.args(["install", "--yes", "--quiet", "--no-install-recommends"]).args(packages))
    })
}

/// Downloads packages, with those of their dependencies that the machine lacks, and unpacks them under `prefix`.
pub(crate) fn unpack(prefix: &Path, packages: &[&str]) -> Result<()> {
    let debs = prefix.with_extension("debs");
    let unfinished = prefix.with_extension("unfinished");
    fs::create_dir_all(debs.join("partial"))?;
    with_lists(|| {
        let mut apt = apt_get();
        // `--reinstall`: what is named is downloaded even when the machine has it.
        apt.args([
            "install",
            "--yes",
            "--quiet",
            "--no-install-recommends",
            "--download-only",
            "--reinstall",
        ]);
        apt.arg("-o").arg(format!("Dir::Cache::archives={}", debs.display()));
        tool::run(apt.args(["-o", "APT::Sandbox::User=root", "-o", "Debug::NoLocking=1"]).args(packages))
    })?;
    if unfinished.exists() {
        fs::remove_dir_all(&unfinished)?;
    }
    fs::create_dir_all(&unfinished)?;
    for entry in fs::read_dir(&debs)? {
        let deb = entry?.path();
        if deb.extension().is_some_and(|extension| extension == "deb") {
            tool::run(Command::new("dpkg").arg("-x").arg(&deb).arg(&unfinished))?;
        }
    }
    fs::rename(&unfinished, prefix).with_context(|| format!("cannot make {}", prefix.display()))?;
    fs::remove_dir_all(&debs)?;
    Ok(())
}

fn apt_get() -> Command {
    let mut apt = Command::new("apt-get");
    apt.env("DEBIAN_FRONTEND", "noninteractive");
    apt
}

/// Whether the package lists have been fetched. Held while apt runs: it does not run twice at a time.
static FETCHED: Mutex<bool> = Mutex::new(false);

/// A new machine or container has no package lists, or old ones that name a compiler which is too old.
fn with_lists(action: impl FnOnce() -> Result<()>) -> Result<()> {
    let mut fetched = FETCHED.lock().unwrap_or_else(PoisonError::into_inner);
    if !*fetched {
        // Without a network those that are there have to do.
        _ = tool::run(apt_get().args(["update", "--quiet"]));
        *fetched = true;
    }
    action()
}
