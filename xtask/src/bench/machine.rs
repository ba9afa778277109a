//! Where and when the figures were taken: without that they mean nothing.

use std::fmt;
use std::fs;
use std::process::Command;

use anyhow::Result;

use super::setup::{self, Setup};
use crate::{tool, workspace};

pub(crate) struct Machine {
    date: String,
    processor: String,
    processors: usize,
    system: String,
    /// Load average over a minute when the run began: what else kept the machine busy.
    load: String,
    versions: Vec<String>,
}

impl Machine {
    pub(crate) fn describe(setups: &[&Setup]) -> Result<Self> {
        let processor =
            value_in("/proc/cpuinfo", "model name", ':').unwrap_or_else(|| "unknown processor".into());
        let distribution = value_in("/etc/os-release", "PRETTY_NAME", '=').unwrap_or_else(|| "Linux".into());
        let kernel = fs::read_to_string("/proc/sys/kernel/osrelease")?;
        let load = fs::read_to_string("/proc/loadavg")?;
        let mut versions = vec![said_by("rustc", "-V")?, said_by("getconf", "GNU_LIBC_VERSION")?];
        versions.extend(setups.iter().find(|setup| setup.heaptrack).and_then(|_| setup::heaptrack_version()));
        versions.extend(package_versions(setups)?);
        Ok(Self {
            date: said_by("date", "+%F")?,
            processor,
            processors: std::thread::available_parallelism()?.get(),
            system: format!("{distribution}, Linux {} {}", kernel.trim(), std::env::consts::ARCH),
            load: load.split(' ').next().unwrap_or_default().to_owned(),
            versions,
        })
    }
}

impl fmt::Display for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { date, processor, processors, system, load, versions } = self;
        write!(f, "{date}, {processor}, {processors} processors, {system}; {}; ", versions.join(", "))?;
        write!(f, "load {load} when the run began")
    }
}

/// The value after `key` in a file of `key separator value` lines.
fn value_in(path: &str, key: &str, separator: char) -> Option<String> {
    let text = fs::read_to_string(path).ok()?;
    let pair =
        |line: &str| line.split_once(separator).map(|(key, value)| (key.trim().to_owned(), value.to_owned()));
    let (_, value) = text.lines().filter_map(pair).find(|(found, _)| found == key)?;
    Some(value.trim().trim_matches('"').to_owned())
}

fn said_by(program: &str, argument: &str) -> Result<String> {
    let said = tool::output(Command::new(program).arg(argument))?;
    Ok(String::from_utf8_lossy(&said).trim().to_owned())
}

/// `name version` of the packages that the setups use, from the lock file.
fn package_versions(setups: &[&Setup]) -> Result<Vec<String>> {
    let lock = fs::read_to_string(workspace::root().join("Cargo.lock"))?;
    let mut names: Vec<_> = setups.iter().flat_map(|setup| setup.packages).chain([&"serde_json"]).collect();
    names.sort();
    names.dedup();
    let version = |name: &&&str| {
        let entry = lock.split_once(&format!("name = \"{name}\"\nversion = \""))?.1;
        Some(format!("{name} {}", entry.split('"').next()?))
    };
    Ok(names.iter().filter_map(version).collect())
}
