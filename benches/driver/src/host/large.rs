//! Large dumps.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use xshell::{Shell, cmd};

use super::{HEAD, Places, dumps};

/// Bytes of the dump with many snapshots.
const SIZE: u64 = 200_000_000;
/// Stacks: a little less than a tracker's default tables have room for.
const CELLS: u32 = 200_000;
/// Four times the room of these tables.
const MOST_CELLS: u32 = 1_000_000;

/// The outputs for each dump.
const OUTPUTS: [(&str, &[&str]); 5] = [
    ("folded", &["-m", "peak"]),
    ("flame graph", &["-m", "peak", "-f", "svg"]),
    ("pprof", &["-f", "pprof"]),
    ("JSON", &["-f", "json"]),
    ("report", &["-f", "html"]),
];

/// The table.
pub(super) fn measure(places: &Places) -> Result<String> {
    let many = places.scratch.join("many.memtrack");
    dumps::of_size(&many, CELLS, SIZE)?;
    let one = places.scratch.join("one.memtrack");
    dumps::of_size(&one, MOST_CELLS, 1)?;
    let mut text = format!(
        "### Large dumps\n\nMany snapshots of {CELLS} stacks each, of which the last is shown, and one of {MOST_CELLS} stacks, \
         four times what a tracker's default tables hold; without names.\n\n{HEAD}"
    );
    let mut row = |what: String, dump: &Path, options: &[&str]| -> Result<()> {
        let path = dump.to_str().context("a target directory whose name is text")?;
        let arguments = [&[path, "--no-symbols"], options].concat();
        write!(text, "{}", places.cost(what, dump, &places.fold, &arguments)?)?;
        Ok(())
    };
    for (name, options) in OUTPUTS {
        row(format!("many snapshots: {name}"), &many, options)?;
    }
    for packed in [packed(&many, "gzip", "gz")?, packed(&many, "zstd", "zst")?].into_iter().flatten() {
        let kind = packed.extension().unwrap_or_default().display().to_string();
        row(format!("many snapshots, .{kind}: folded"), &packed, &["-m", "peak"])?;
    }
    for (name, options) in OUTPUTS {
        row(format!("one snapshot: {name}"), &one, options)?;
    }
    Ok(text)
}

/// A compressed copy, if the machine has a program that makes one.
fn packed(dump: &Path, program: &str, ending: &str) -> Result<Option<PathBuf>> {
    if which::which(program).is_err() {
        eprintln!("{program} is not installed and left out");
        return Ok(None);
    }
    let sh = Shell::new()?;
    cmd!(sh, "{program} -1 -k -f {dump}").quiet().run()?;
    let mut name = dump.as_os_str().to_owned();
    name.push(".");
    name.push(ending);
    Ok(Some(name.into()))
}
