//! Names of many addresses of a large binary.

use std::fmt::Write;
use std::fs::File;

use anyhow::{Context, Result, ensure};
use xshell::{Shell, cmd};

use super::{Cost, HEAD, Places, dumps, megabytes};

/// The number of addresses.
const ADDRESSES: usize = 20_000;

/// Programs that give the same names: the functions at each address, inlined ones too, demangled, with files and lines. Those
/// that the machine lacks are left out.
const PEERS: [(&str, &[&str], &str); 2] = [
    ("addr2line", &["-f", "-i", "-C", "-e"], "GNU addr2line"),
    ("llvm-symbolizer", &["--inlines", "--demangle", "-e"], "llvm-symbolizer"),
];

/// The table.
pub(super) fn measure(places: &Places) -> Result<String> {
    let addresses = addresses(places)?;
    let list = places.scratch.join("addresses");
    let lines: String = addresses.iter().map(|address| format!("{address:#x}\n")).collect();
    std::fs::write(&list, lines)?;
    let dump = places.scratch.join("addresses.memtrack");
    dumps::of_addresses(File::create(&dump)?, &places.large, &addresses)?;

    let mut costs: Vec<Cost> = Vec::new();
    let path = dump.to_str().context("a target directory whose name is text")?;
    costs.push(places.cost("memtrack-fold", &dump, &places.fold, &[path, "-m", "allocs"])?);
    for (program, options, name) in PEERS {
        let Ok(found) = which::which(program) else {
            eprintln!("{program} is not installed and left out");
            continue;
        };
        let binary = places.large.to_str().context("a target directory whose name is text")?;
        costs.push(places.cost(name, &list, &found, &[options, &[binary]].concat())?);
    }
    let size = std::fs::metadata(&places.large)?.len();
    let mut text = format!(
        "### Names of addresses\n\n{ADDRESSES} addresses, each in another function, of an unoptimised binary with full debug \
         information ({:.0} MB); inlined functions, files and lines included.\n\n{HEAD}",
        megabytes(size as f64)
    );
    costs.iter().try_for_each(|cost| write!(text, "{cost}"))?;
    Ok(text)
}

/// The middles of functions all over the binary.
fn addresses(places: &Places) -> Result<Vec<u64>> {
    let large = &places.large;
    let sh = Shell::new()?;
    let nm = cmd!(sh, "nm --defined-only --print-size --numeric-sort {large}");
    let table = nm.quiet().read()?;
    let hex = |text: &str| u64::from_str_radix(text, 16).ok();
    let mut middles: Vec<u64> = table
        .lines()
        .filter_map(|line| match line.split(' ').collect::<Vec<_>>()[..] {
            [start, size, "t" | "T" | "w" | "W", _] => Some(hex(start)? + hex(size)? / 2),
            _ => None,
        })
        .collect();
    middles.dedup();
    ensure!(middles.len() >= ADDRESSES, "{} has {} functions only", places.large.display(), middles.len());
    Ok((0..ADDRESSES).map(|i| middles[i * middles.len() / ADDRESSES]).collect())
}
