//! Debian packages: installed where that is allowed, or unpacked below the target directory, where they change nothing of the
//! machine.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, PoisonError};

use anyhow::{Context, Result, ensure};

use crate::suite::Missing;
use crate::{tool, workspace};

const INSTALL: [&str; 4] = ["install", "--yes", "--quiet", "--no-install-recommends"];

/// Whether packages may be installed: the machine has apt, and the user is root.
pub(crate) fn may_install() -> bool {
    let root = || tool::output(Command::new("id").arg("-u")).is_ok_and(|id| id.trim_ascii() == b"0");
    tool::which("apt-get").is_some() && root()
}

/// Installs packages.
pub(crate) fn install(packages: &[&str]) -> Result<()> {
    apt_get(|apt| apt.args(INSTALL).args(packages))
}

/// The folder `name` that has the files of packages, and of those of their dependencies that the machine lacks. It is filled
/// when it is missing. `otherwise` is what else would do.
///
/// # Errors
/// [`Missing`] where apt may not be used.
pub(crate) fn unpacked(name: &str, packages: &[&str], otherwise: &str) -> Result<PathBuf> {
    let folder = workspace::root().join("target/sysroots").join(name);
    if !folder.exists() {
        let needs =
            || Missing(format!("needs {otherwise}as root the Debian packages {}", packages.join(" ")));
        ensure!(may_install(), needs());
        unpack(&folder, packages)?;
    }
    Ok(folder)
}

fn unpack(folder: &Path, packages: &[&str]) -> Result<()> {
    let debs = folder.with_extension("debs");
    let unfinished = folder.with_extension("unfinished");
    fs::create_dir_all(debs.join("partial"))?;
    apt_get(|apt| {
        // `--reinstall`: apt downloads the packages even when the machine has them.
        apt.args(INSTALL).args(["--download-only", "--reinstall"]);
        apt.arg("-o").arg(format!("Dir::Cache::archives={}", debs.display()));
        apt.args(["-o", "APT::Sandbox::User=root", "-o", "Debug::NoLocking=1"]).args(packages)
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
    fs::rename(&unfinished, folder).with_context(|| format!("cannot make {}", folder.display()))?;
    Ok(fs::remove_dir_all(&debs)?)
}

/// Whether this command has fetched the package lists. The lock is held while apt runs: apt does not run twice at a time.
static FETCHED: Mutex<bool> = Mutex::new(false);

/// Runs apt. A new machine or container has no package lists, or old ones that name a compiler which is too old.
fn apt_get(arguments: impl FnOnce(&mut Command) -> &mut Command) -> Result<()> {
    let mut fetched = FETCHED.lock().unwrap_or_else(PoisonError::into_inner);
    let new = || {
        let mut apt = Command::new("apt-get");
        // Another program may be installing packages.
        apt.env("DEBIAN_FRONTEND", "noninteractive").args(["-o", "DPkg::Lock::Timeout=600"]);
        apt
    };
    if !*fetched {
        // Without a network the lists that the machine has must do.
        _ = tool::run(new().args(["update", "--quiet"]));
        *fetched = true;
    }
    tool::run(arguments(&mut new()))
}
