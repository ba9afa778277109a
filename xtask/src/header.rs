//! `include/memtrack.h` is generated from the C interface's crate and committed: a C project needs no Rust to read it.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result, bail};

use crate::workspace;

fn path() -> PathBuf {
    workspace::root().join("include/memtrack.h")
}

fn generate() -> Result<Vec<u8>> {
    let folder = workspace::root().join("ffi");
    let config = cbindgen::Config::from_file(folder.join("cbindgen.toml")).map_err(anyhow::Error::msg)?;
    let bindings = cbindgen::Builder::new().with_crate(&folder).with_config(config).generate()?;
    let mut header = Vec::new();
    bindings.write(&mut header);
    // A heading of Rust's documentation is the beginning of a sentence for readers of C.
    Ok(String::from_utf8(header)?.replace(" # Safety\n", " Safety:\n").into_bytes())
}

/// Writes the header.
pub(crate) fn write() -> Result<()> {
    fs::write(path(), generate()?).with_context(|| format!("cannot write {}", path().display()))
}

/// Fails when the committed header differs from the generated one.
pub(crate) fn check() -> Result<()> {
    let committed = fs::read(path()).with_context(|| format!("cannot read {}", path().display()))?;
    if committed != generate()? {
        bail!("include/memtrack.h is not what the ffi crate says: run `cargo xtask header` and commit it");
    }
    Ok(())
}
