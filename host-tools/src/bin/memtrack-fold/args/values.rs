//! Parsers of the values that options take.

use std::path::PathBuf;

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use memtrack_host_tools::export::{Facts, Format, Palette};
use memtrack_host_tools::limits::Size;
use memtrack_host_tools::profile::Metric;
use memtrack_host_tools::units;
use regex::Regex;

/// A format.
pub fn formats() -> impl TypedValueParser<Value = Format> {
    one_of(Format::ALL.to_vec(), |format| (format.row().name, format.row().summary))
}

/// A format in which `diff` writes.
pub fn differences() -> impl TypedValueParser<Value = Format> {
    let formats = Format::ALL.into_iter().filter(|format| format.row().difference.is_some()).collect();
    one_of(formats, |format| (format.row().name, format.row().summary))
}

/// The help of `--output`, with the extensions of some formats.
pub fn output_help(which: impl Fn(&Facts) -> bool) -> String {
    let endings = Format::endings(which);
    format!("Write to FILE instead of standard output; its extension ({endings}) selects the format")
}

/// A metric.
pub fn metrics() -> impl TypedValueParser<Value = Metric> {
    one_of(Metric::ALL.to_vec(), |metric| (metric.row().name, metric.row().summary))
}

/// A palette.
pub fn palettes() -> impl TypedValueParser<Value = Palette> {
    one_of(Palette::ALL.to_vec(), |palette| (palette.row().name, palette.row().summary))
}

/// One of the values of a table, by its name. `facts` returns the name and the line in `--help`.
fn one_of<T: Copy + Send + Sync + 'static>(
    all: Vec<T>,
    facts: fn(T) -> (&'static str, &'static str),
) -> impl TypedValueParser<Value = T> {
    let value = |(name, summary)| PossibleValue::new(name).help(summary);
    PossibleValuesParser::new(all.iter().map(|&one| value(facts(one))).collect::<Vec<_>>())
        .try_map(move |given| all.iter().copied().find(|&one| facts(one).0 == given).ok_or("no such value"))
}

/// A directory that exists.
pub fn directory(path: &str) -> Result<PathBuf, String> {
    let path = PathBuf::from(path);
    if path.is_dir() { Ok(path) } else { Err("this directory does not exist".into()) }
}

/// A regular expression.
pub fn pattern(text: &str) -> Result<Regex, String> {
    // The message of a regex error draws over several lines. The last one has the reason.
    Regex::new(text).map_err(|e| e.to_string().lines().last().unwrap_or_default().trim().to_string())
}

/// A share in percent.
pub fn share(text: &str) -> Result<f64, String> {
    match text.trim_end_matches('%').parse() {
        Ok(share) if (0.0..=100.0).contains(&share) => Ok(share),
        _ => Err("give a number from 0 to 100".into()),
    }
}

/// An interval in seconds.
pub fn interval(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(seconds) if (0.05..=3600.0).contains(&seconds) => Ok(seconds),
        _ => Err("give a number of seconds from 0.05 to 3600".into()),
    }
}

/// A limit in bytes.
pub fn size(text: &str) -> Result<Size, String> {
    units::parse_bytes(text).map(Size)
}

/// A name and its limit.
pub fn named_size(text: &str) -> Result<(String, Size), String> {
    let (name, value) = text.rsplit_once('=').ok_or("give NAME=SIZE, like parse=10MiB")?;
    Ok((name.into(), size(value)?))
}

/// A number of bytes.
pub fn bytes(text: &str) -> Result<u64, String> {
    units::parse_bytes(text)
}
