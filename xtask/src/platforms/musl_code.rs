//! A library of musl's code by GCC, as C libraries are built that have neither frame pointers nor unwind tables. This one has the
//! tables, so that the tracker's reader of instructions can be compared with them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::{python, tool};

/// Folders of musl's sources.
const SOURCES: [&str; 12] = [
    "crypt", "dirent", "locale", "math", "misc", "network", "passwd", "prng", "regex", "stdio", "string",
    "time",
];

/// Builds the library in a folder, and returns its path. It is never loaded: each byte's address is its offset in the file.
pub(super) fn build(compiler: &str, linker: &str, folder: &Path) -> Result<PathBuf> {
    let musl = sources()?;
    let objects = folder.join("objects");
    fs::create_dir_all(&objects)?;
    write_features(&musl, folder)?;
    let include = |path: &str| format!("-I{}", musl.join(path).display());
    for name in SOURCES {
        let mut files = Vec::new();
        for file in fs::read_dir(musl.join("src").join(name))? {
            let file = file?.path();
            if file.extension().is_some_and(|extension| extension == "c") {
                files.push(file);
            }
        }
        let place = objects.join(name);
        fs::create_dir_all(&place)?;
        let mut gcc = Command::new(compiler);
        gcc.current_dir(&place).args([
            "-c",
            "-O2",
            "-fomit-frame-pointer",
            "-fasynchronous-unwind-tables",
            "-w",
        ]);
        gcc.args(["-std=c99", "-nostdinc", "-ffreestanding", "-D_XOPEN_SOURCE=700"]);
        gcc.arg(format!("-I{}", folder.display()));
        gcc.args(["arch/aarch64", "arch/generic", "src/include", "src/internal", "include"].map(include));
        gcc.args(["../include/aarch64-linux-musl", "../include/generic-musl"].map(include));
        tool::run(gcc.args(files))?;
    }
    let library = folder.join("musl-code");
    let mut objects_of_all = Vec::new();
    for name in SOURCES {
        for object in fs::read_dir(objects.join(name))? {
            objects_of_all.push(object?.path());
        }
    }
    let mut ld = Command::new(linker);
    ld.args(["-static", "-Ttext-segment=0", "-z", "noseparate-code", "-e", "0", "--eh-frame-hdr"]);
    ld.args(["--unresolved-symbols=ignore-all", "--allow-multiple-definition", "-o"]).arg(&library);
    tool::output(ld.args(objects_of_all))?;
    Ok(library)
}

/// The folder of the sources, which zig brings.
fn sources() -> Result<PathBuf> {
    let libraries = python::environment("ziglang")?.join("lib");
    let python = fs::read_dir(&libraries)?.flatten().next().context("a folder of Python's packages")?;
    Ok(python.path().join("site-packages/ziglang/lib/libc/musl"))
}

/// Writes the header that makes names hidden, without that: a linker refuses a hidden name that nothing defines.
fn write_features(musl: &Path, folder: &Path) -> Result<()> {
    let text = fs::read_to_string(musl.join("src/include/features.h"))?;
    let public = musl.join("include/features.h").display().to_string();
    let text = text.replace("../../include/features.h", &public);
    let text = text.replace("#define hidden __attribute__((__visibility__(\"hidden\")))", "#define hidden");
    fs::write(folder.join("features.h"), text).context("the header features.h")
}
