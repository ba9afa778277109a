//! What runs the programs of other platforms on this machine.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Result;

use super::linker::MINGW;
use crate::{tool, workspace};

/// A runner.
pub(super) enum Runner {
    /// The words in front of a program. None for the machine's own.
    Words(&'static [&'static str]),
    /// Wine, which runs programs of Windows.
    Wine,
}

/// The path of wine, which Debian's package does not put among the commands.
pub(super) const WINE: &str = "/usr/lib/wine/wine64";

impl Runner {
    /// The words in front of a program.
    pub(super) fn words(&self) -> Result<Vec<String>> {
        Ok(match self {
            Runner::Words(words) => words.iter().map(|word| (*word).to_owned()).collect(),
            Runner::Wine => vec![wine()?.display().to_string()],
        })
    }
}

/// A script that runs a program by wine, with files of its own.
fn wine() -> Result<PathBuf> {
    const SCRIPT: &str = r#"#!/bin/sh
export WINEPREFIX='FOLDER/prefix' WINEPATH='Z:FOLDER/libraries' WINEDEBUG=-all
unset DISPLAY
exec PROGRAM "$@"
"#;
    let folder = workspace::root().join("target/platforms/wine");
    let libraries = folder.join("libraries");
    fs::create_dir_all(&libraries)?;
    random(&libraries)?;
    let script = folder.join("run.sh");
    let text = SCRIPT.replace("FOLDER", &folder.display().to_string());
    tool::write_script(&script, &text.replace("PROGRAM", WINE))?;
    Ok(script)
}

/// Makes the library from which Rust's standard library takes one function, and which wine lacks before its version 9.
fn random(folder: &Path) -> Result<()> {
    const SOURCE: &str = "\
#include <windows.h>
#include <ntsecapi.h>
__declspec(dllexport) BOOL WINAPI ProcessPrng(PBYTE data, SIZE_T size) { return RtlGenRandom(data, (ULONG)size); }
";
    let library = folder.join("bcryptprimitives.dll");
    if !library.exists() {
        let source = folder.join("random.c");
        fs::write(&source, SOURCE)?;
        let mut gcc = Command::new(MINGW);
        gcc.args(["-shared", "-O2", "-o"]).arg(&library).arg(&source).arg("-ladvapi32");
        tool::run(&mut gcc)?;
    }
    Ok(())
}
