//! `cargo xtask demo`: the example under the tracker, its report and its flame graphs.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Result, ensure};

use crate::{tool, workspace};

const METRICS: [&str; 3] = ["bytes", "allocs", "peak"];

pub(crate) fn run() -> Result<()> {
    let folder = workspace::root().join("target/demo");
    fs::create_dir_all(&folder)?;
    let dump = folder.join("demo.memtrack");
    // The tracker appends to a file that exists.
    if dump.exists() {
        fs::remove_file(&dump)?;
    }

    tool::cargo(&["build", "--release", "--package", "word-index", "--package", "memtrack-host-tools"])?;
    let programs = workspace::target()?.join("release");
    let program =
        |name: &str| Command::new(programs.join(name).with_extension(std::env::consts::EXE_EXTENSION));

    tool::run(program("word-index").current_dir(workspace::root()).env("MEMTRACK_DUMP", &dump))?;
    ensure!(is_filled(&dump), "the example ended without writing {}", dump.display());
    for metric in METRICS {
        for format in ["svg", "folded"] {
            let output = folder.join(metric).with_extension(format);
            tool::run(program("memtrack-fold").arg(&dump).args(["--metric", metric]).arg("-o").arg(&output))?;
            ensure!(is_filled(&output), "{} is empty", output.display());
        }
    }

    let report = folder.join("report.html");
    tool::run(program("memtrack-fold").arg(&dump).arg("-o").arg(&report))?;
    ensure!(is_filled(&report), "{} is empty", report.display());

    println!("\n{}", shown(&report));
    METRICS.iter().for_each(|metric| println!("{}", shown(&folder.join(metric).with_extension("svg"))));
    println!("{}", shown(&dump));
    Ok(())
}

fn is_filled(file: &Path) -> bool {
    fs::metadata(file).is_ok_and(|metadata| metadata.len() > 0)
}

/// The path from the root of the workspace.
fn shown(path: &Path) -> String {
    path.strip_prefix(workspace::root()).unwrap_or(path).display().to_string()
}
