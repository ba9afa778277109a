//! `cargo xtask install --prefix DIR`: headers, libraries, the files by which pkg-config and CMake find them, and the
//! programs, where C projects look for them.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::tool;
use crate::workspace::{self, Metadata};

/// What is built, and by which package.
const PACKAGES: [&str; 2] = ["memtrack-ffi", "memtrack-host-tools"];

/// Builds all that is installed, optimised, and lays it out under a prefix. `DESTDIR` goes in front of it, as packagers
/// expect, and into none of the files.
pub(crate) fn run(options: &[&str]) -> Result<()> {
    let prefix = match options {
        ["--prefix", prefix] => std::path::absolute(prefix)?,
        [] => PathBuf::from("/usr/local"),
        _ => bail!("cargo xtask install [--prefix DIR]"),
    };
    let packages: Vec<&str> = PACKAGES.iter().flat_map(|name| ["--package", name]).collect();
    tool::cargo(&[&["build", "--release"], &packages[..]].concat())?;

    let metadata = Metadata::read()?;
    let built = metadata.target_directory.join("release");
    let version =
        metadata.members().find(|package| package.name == PACKAGES[0]).map(|package| &package.version);
    let version = version.context("the package of the C interface")?;
    let root = workspace::root();
    let to = staged(&prefix);
    copy(&root.join("include/memtrack.h"), &to.join("include"))?;
    copy(&root.join("include/memtrack.hpp"), &to.join("include"))?;
    copy(&built.join("libmemtrack.a"), &to.join("lib"))?;
    copy(&built.join("libmemtrack.so"), &to.join("lib"))?;
    copy(&built.join("memtrack-fold"), &to.join("bin"))?;
    copy(&root.join("ffi/cmake/memtrack-config.cmake"), &to.join("lib/cmake/memtrack"))?;

    let numbers: Vec<&str> = version.split('.').collect();
    let [major, minor, ..] = numbers[..] else { bail!("version {version} is not of three numbers") };
    let prefix = prefix.to_str().context("a prefix that is text")?;
    let fill = |template: &str, to: PathBuf| {
        let text = fs::read_to_string(root.join(template)).with_context(|| template.to_owned())?;
        let values = [("@PREFIX@", prefix), ("@VERSION@", version), ("@MAJOR@", major), ("@MINOR@", minor)];
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

/// Where files are put that will be at `prefix`.
fn staged(prefix: &Path) -> PathBuf {
    match std::env::var_os("DESTDIR").filter(|stage| !stage.is_empty()) {
        Some(stage) => Path::new(&stage).join(prefix.strip_prefix("/").unwrap_or(prefix)),
        None => prefix.to_path_buf(),
    }
}

/// Copies a file into a folder. One that is there may be in use: it is replaced, not written over.
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
