//! `cargo xtask install --prefix DIR`: headers, libraries, the files by which pkg-config and CMake find them, and the
//! programs, where C projects look for them.

use std::path::{Path, PathBuf};
use std::{fs, io};

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
        (root.join("include/memtrack_freertos.h"), "include"),
        (root.join("include/memtrack_zephyr.h"), "include"),
        (built.join("libmemtrack.a"), "lib"),
        (built.join("libmemtrack.so"), "lib"),
        (built.join("memtrack-fold"), "bin"),
        (root.join("ffi/cmake/memtrack-config.cmake"), "lib/cmake/memtrack"),
    ] {
        replace(&to.join(folder).join(from.file_name().context("a file")?), |new| fs::copy(&from, new))?;
    }

    let [major, minor] = [version.major, version.minor].map(|number| number.to_string());
    let version = version.to_string();
    let prefix = prefix.to_str().context("a prefix that is text")?;
    let fill = |template: &str, to: PathBuf| {
        let text = fs::read_to_string(root.join(template)).with_context(|| template.to_owned())?;
        let values =
            [("@PREFIX@", prefix), ("@VERSION@", &version), ("@MAJOR@", &major), ("@MINOR@", &minor)];
        let text = values.iter().fold(text, |text, (name, value)| text.replace(name, value));
        replace(&to, |new| fs::write(new, text))
    };
    fill("ffi/memtrack.pc.in", to.join("lib/pkgconfig/memtrack.pc"))?;
    let cmake = "memtrack-config-version.cmake";
    fill(&format!("ffi/cmake/{cmake}.in"), to.join("lib/cmake/memtrack").join(cmake))?;
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

/// Has `write` write a file beside `to`, which then replaces `to`: the old file may be in use.
fn replace<T>(to: &Path, write: impl FnOnce(&Path) -> io::Result<T>) -> Result<()> {
    let replaced = || {
        fs::create_dir_all(to.parent().unwrap_or(to))?;
        let new = to.with_extension("new");
        write(&new)?;
        fs::rename(&new, to)
    };
    replaced().with_context(|| format!("cannot write {}", to.display()))
}
