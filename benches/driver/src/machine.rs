//! The machine and the date of the figures: without them the figures mean nothing.

use std::fmt;
use std::fs;

use anyhow::{Context, Result};
use xshell::{Shell, cmd};

use super::ticks::Ticks;

pub(crate) struct Machine {
    date: String,
    processor: String,
    processors: usize,
    system: String,
    versions: Vec<String>,
    start: Ticks,
    /// The share of the machine that other programs took during the measurements.
    others: Option<f64>,
}

impl Machine {
    /// With the versions of other programs, and of packages of `Cargo.lock`.
    pub(crate) fn describe(others: Vec<String>, packages: &[&str]) -> Result<Self> {
        let processor =
            value_in("/proc/cpuinfo", "model name", ':').unwrap_or_else(|| "unknown processor".into());
        let distribution = value_in("/etc/os-release", "PRETTY_NAME", '=').unwrap_or_else(|| "Linux".into());
        let kernel = fs::read_to_string("/proc/sys/kernel/osrelease")?;
        let mut versions = vec![said_by("rustc", "-V")?, said_by("getconf", "GNU_LIBC_VERSION")?];
        versions.extend(others);
        versions.extend(package_versions("Cargo.lock", packages)?);
        Ok(Self {
            date: said_by("date", "+%F")?,
            processor,
            processors: std::thread::available_parallelism()?.get(),
            system: format!("{distribution}, Linux {} {}", kernel.trim(), std::env::consts::ARCH),
            versions,
            start: Ticks::now()?,
            others: None,
        })
    }

    /// The measurements are over.
    pub(crate) fn finish(&mut self) -> Result<()> {
        self.others = Some(Ticks::now()?.taken_by_others(&self.start));
        Ok(())
    }
}

impl fmt::Display for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { date, processor, processors, system, versions, .. } = self;
        write!(f, "{date}, {processor}, {processors} processors, {system}; {}", versions.join(", "))?;
        match self.others {
            Some(share) => write!(f, "; other programs took {:.0} % of the machine meanwhile", share * 100.0),
            None => Ok(()),
        }
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

pub(crate) fn said_by(program: &str, argument: &str) -> Result<String> {
    let sh = Shell::new()?;
    Ok(cmd!(sh, "{program} {argument}").quiet().read()?)
}

/// `name version` of an installed Debian package.
pub(crate) fn debian_version(name: &str) -> Option<String> {
    let format = "${Package} ${Version}";
    let sh = Shell::new().ok()?;
    let query = cmd!(sh, "dpkg-query --show --showformat {format} {name}");
    query.quiet().ignore_stderr().read().ok()
}

/// `name version` of packages, from a lock file.
pub(crate) fn package_versions(lock: &str, names: &[&str]) -> Result<Vec<String>> {
    let lock = fs::read_to_string(lock).with_context(|| format!("cannot read {lock}"))?;
    let version = |name: &&str| {
        let entry = lock.split_once(&format!("name = \"{name}\"\nversion = \""))?.1;
        Some(format!("{name} {}", entry.split('"').next()?))
    };
    Ok(names.iter().filter_map(version).collect())
}
