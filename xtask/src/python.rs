//! Packages of Python, each in a folder of its own below the target directory.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::suite::Missing;
use crate::{debian, tool, workspace};

/// The folder with a virtual environment that has a package and what it depends on. It is made when it is missing.
///
/// # Errors
/// [`Missing`] where Python has no `venv` and Debian's may not be installed, and where pip cannot get the package.
pub(crate) fn environment(package: &str) -> Result<PathBuf> {
    let folder = workspace::root().join("target/sysroots/python").join(package);
    if !folder.exists() {
        let unfinished = folder.with_extension("unfinished");
        let needs = || {
            Missing(format!(
                "needs the Debian package python3-venv, and pip, which installs {package} below `target`"
            ))
        };
        // A script of an environment has the environment's path in it. The programs here are started as modules instead, so
        // that a folder which is complete can get its name at last.
        let make = || tool::run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&unfinished));
        if make().is_err() {
            ensure!(debian::may_install(), needs());
            debian::install(&["python3-venv"])?;
            make()?;
        }
        let mut pip = Command::new(unfinished.join("bin/python"));
        tool::run(pip.args(["-m", "pip", "install", "--quiet", package])).map_err(|_| needs())?;
        fs::rename(&unfinished, &folder).with_context(|| format!("cannot make {}", folder.display()))?;
    }
    Ok(folder)
}

/// The interpreter of a package's environment.
pub(crate) fn interpreter(package: &str) -> Result<PathBuf> {
    Ok(environment(package)?.join("bin/python"))
}
