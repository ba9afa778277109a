//! Packages of Python, each in a folder of its own below the target directory.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result};

use crate::suite::Missing;
use crate::{tool, workspace};

/// The folder with a virtual environment that has a package and what it depends on. It is made when it is missing.
///
/// # Errors
/// [`Missing`] where Python has no `venv` or cannot get the package.
pub(crate) fn environment(package: &str) -> Result<PathBuf> {
    let folder = workspace::root().join("target/sysroots/python").join(package);
    if !folder.exists() {
        let unfinished = folder.with_extension("unfinished");
        let needs =
            |_| Missing(format!("needs python3 with venv and pip, which install {package} below `target`"));
        // A script of an environment has the environment's path in it. The programs here are started as modules instead, so
        // that a folder which is complete can get its name at last.
        let made = tool::run(Command::new("python3").args(["-m", "venv"]).arg(&unfinished)).map_err(needs);
        made.and_then(|()| {
            let mut pip = Command::new(unfinished.join("bin/python"));
            tool::run(pip.args(["-m", "pip", "install", "--quiet", package])).map_err(needs)
        })?;
        fs::rename(&unfinished, &folder).with_context(|| format!("cannot make {}", folder.display()))?;
    }
    Ok(folder)
}

/// The interpreter of a package's environment.
pub(crate) fn interpreter(package: &str) -> Result<PathBuf> {
    Ok(environment(package)?.join("bin/python"))
}
