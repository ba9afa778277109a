//! `cargo xtask install --prefix DIR`: headers, libraries, the files by which pkg-config and CMake find them, and the
//! programs, where C projects look for them.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::{tool, workspace};

/// The packages of the libraries and of the programs.
const PACKAGES: [&str; 2] = ["memtrack-ffi", "memtrack-host-tools"];

/// Builds optimised libraries and programs, and copies all files to their places under a prefix. `DESTDIR` goes in front of
/// the prefix, as packagers expect, but not into the files.
pub(crate) fn run(options: &[&str]) -> Result<()> {
    let prefix = match options {
        ["--prefix", prefix] => std::path::absolute(prefix)?,
        [] => PathBuf::from("/usr/local"),
        _ => bail!("cargo xtask install [--prefix DIR]"),
    };
    let packages: Vec<&str> = PACKAGES.iter().flat_map(|name| ["--package", name]).collect();
    tool::cargo(&[&["build", "--release"], &packages[..]].concat())?;

    let metadata = workspace::metadata()?;
    let built = metadata.target_directory.join("release").into_std_path_buf();
    let mut packages = metadata.workspace_packages().into_iter();
    let version =
        &packages.find(|package| package.name == PACKAGES[0]).context("no package memtrack-ffi")?.version;
    let root = workspace::root();
    let to = staged(&prefix);
    for (from, folder) in [
        (root.join("include/memtrack.h"), "include"),
        (root.join("include/memtrack.hpp"), "include"),
        (built.join("libmemtrack.a"), "lib"),
        (built.join("libmemtrack.so"), "lib"),
        (built.join("memtrack-fold"), "bin"),
        (root.join("ffi/cmake/memtrack-config.cmake"), "lib/cmake/memtrack"),
    ] {
        copy(&from, &to.join(folder))?;
    }

    let [major, minor] = [version.major, version.minor].map(|number| number.to_string());
    let version = version.to_string();
    let prefix = prefix.to_str().context("a prefix that is text")?;
    let fill = |template: &str, to: PathBuf| {
        let text = fs::read_to_string(root.join(template)).with_context(|| template.to_owned())?;
        let values =
            [("@PREFIX@", prefix), ("@VERSION@", &version), ("@MAJOR@", &major), ("@MINOR@", &minor)];
        let text = values.iter().fold(text, |text, (name, value)| text.replace(name, value));
        write(&to, text.as_bytes())
    };
    fill("ffi/memtrack.pc.in", to.join("lib/pkgconfig/memtrack.pc"))?;
    fill(
        "ffi/cmake/memtrack-config-version.cmake.in",
        to.join("lib/cmake/memtrack/memtrack-config-version.cmake"),
    )?;
    println!("installed under {}", to.display());
    Ok(())
}

/// The folder to which the files for `prefix` are copied.
fn staged(prefix: &Path) -> PathBuf {
    match std::env::var_os("DESTDIR").filter(|stage| !stage.is_empty()) {
        Some(stage) => Path::new(&stage).join(prefix.strip_prefix("/").unwrap_or(prefix)),
        None => prefix.to_path_buf(),
    }
}

/// Copies a file into a folder. It replaces an old file, which may be in use, and does not write over it.
fn copy(from: &Path, folder: &Path) -> Result<()> {
    let name = from.file_name().context("a file")?;
    let to = folder.join(name);
    fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let new = folder.join(format!(".{}.new", name.to_string_lossy()));
    fs::copy(from, &new)
        .with_context(|| format!("cannot copy {} to {}", from.display(), folder.display()))?;
    fs::rename(&new, &to).with_context(|| format!("cannot write {}", to.display()))
}

fn write(to: &Path, bytes: &[u8]) -> Result<()> {
    let folder = to.parent().context("a folder")?;
    fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    fs::write(to, bytes).with_context(|| format!("cannot write {}", to.display()))
}
