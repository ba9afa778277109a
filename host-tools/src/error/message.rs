//! The messages of errors: the problem, then the advice.

use std::fmt;
use std::path::Path;

use memtrack_format::{CURRENT, MIN_SUPPORTED};

use super::Error;
use crate::clean::clean;
use crate::units;

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Read { path, source } => write!(f, "cannot read {}: {source}", shown(path)),
            Error::NotAFile { path } => {
                write!(f, "{} is not a regular file: give the path of a file", shown(path))
            }
            Error::NotADump { path, reason } => {
                write!(
                    f,
                    "{} is not a memtrack dump ({reason}): give a file that HEAP.dump_to_path or MEMTRACK_DUMP wrote",
                    shown(path)
                )
            }
            Error::Version { path, version } if *version > CURRENT => write!(
                f,
                "{} was written by a newer memtrack (dump format {version}; this program reads up to {CURRENT}): \
                 update memtrack-fold",
                shown(path)
            ),
            Error::Version { path, version } => write!(
                f,
                "{} has dump format {version}, older than {MIN_SUPPORTED}: read it with a memtrack-fold of that time",
                shown(path)
            ),
            Error::TooLarge { path, limit } => write!(
                f,
                "{} holds more than {}: if that is right, set a higher limit with --limit SIZE",
                shown(path),
                units::bytes(*limit)
            ),
            Error::NoSnapshot { path, begun: Some(pid) } => write!(
                f,
                "{} holds no snapshot: process {pid} began the file but wrote no snapshot; it still runs, or it ended \
                 too early",
                shown(path)
            ),
            Error::NoTracker { number, known } => {
                write!(f, "there is no tracker {number}: the dump has {known}; memtrack-fold info lists them")
            }
            Error::NoSnapshot { path, begun: None } => write!(
                f,
                "{} holds no readable snapshot: its beginning is damaged; take the dump again",
                shown(path)
            ),
            Error::Figures { metric } => write!(
                f,
                "the sum of {metric} over all cells is beyond 64 bits: the dump is damaged; take it again"
            ),
            Error::TooManyFrames => {
                f.write_str("this view has too many frames: narrow it with --thread, --tag or --filter")
            }
            Error::Unknown { what, name, near } => unknown(f, what, name, near),
            Error::StageWithoutCells { name } => write!(
                f,
                "the dump has the figures of stage \"{}\" (see --list-stages) but not its cells: set MEMTRACK_DUMP \
                 or call dump_stages_to before the stage begins",
                clean(name)
            ),
            Error::WrongBinary { path, module, found, wanted } => write!(
                f,
                "{} is not the program of the dump: its build id is {found}, that of {} is {wanted}; give the \
                 binary that ran, or use this one with --force",
                shown(path),
                clean(module)
            ),
            Error::UnusableBinary { path, reason } => {
                write!(f, "{} cannot be used as --binary: {}", shown(path), clean(reason))
            }
            Error::Pattern { pattern, reason } => {
                write!(f, "\"{}\" is not a regular expression: {}", clean(pattern), clean(reason))
            }
            Error::NoRecording { pid } if cfg!(not(target_os = "linux")) => write!(
                f,
                "the file of process {pid} is not known: this system does not list the files of a process; give the file itself"
            ),
            Error::NoRecording { pid } => write!(
                f,
                "process {pid} does not record, or is not yours: start it with MEMTRACK_RECORD=path, or give that path"
            ),
            Error::NotARecording { path } => write!(
                f,
                "{} is no recording: give a file that MEMTRACK_RECORD or HEAP.record_to wrote; for a dump, use info",
                shown(path)
            ),
            Error::NoFigures => {
                f.write_str("the dump has no figures of the whole program: take it again at exit")
            }
            Error::Limits { path, reason } => {
                write!(f, "{} is no file of limits: {}", shown(path), clean(reason))
            }
            Error::Suppressions { path, reason } => {
                write!(f, "{} is no file of suppressions: {}", shown(path), clean(reason))
            }
            Error::OtherProgram { path, found, wanted } => write!(
                f,
                "{} is a dump of {}, not of {}: merge dumps of one program, or use --force",
                shown(path),
                clean(found),
                clean(wanted)
            ),
            Error::NotForDiff { formats } => {
                write!(f, "a difference is written as {}: choose one of them with --format", either(formats))
            }
            Error::UnknownFormat { path, endings } => {
                write!(f, "{} names no format: end it in {endings}, or use --format", shown(path))
            }
            Error::Listen { port: 0, reason } => {
                write!(f, "cannot listen on a port of this machine: {reason}")
            }
            Error::Listen { port, reason } => {
                write!(
                    f,
                    "cannot listen on port {port}: {reason}; without --port the program finds a free one"
                )
            }
            Error::Of { dump, error } => write!(f, "{}: {error}", shown(dump)),
            Error::Write { path, source } => write!(f, "cannot write {}: {source}", shown(path)),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Error::Read { source, .. } | Error::Write { source, .. } => Some(source),
            // The message has that of the inner error: its source is next.
            Error::Of { error, .. } => error.source(),
            _ => None,
        }
    }
}

/// A path for a message.
fn shown(path: &Path) -> String {
    if path.as_os_str() == "-" { "standard input".into() } else { clean(&path.to_string_lossy()) }
}

fn unknown(f: &mut fmt::Formatter<'_>, what: &str, name: &str, near: &[String]) -> fmt::Result {
    write!(f, "no {what} is called \"{}\"", clean(name))?;
    match near {
        [] => write!(f, ": the dump has no {what}s"),
        [one] => write!(f, ": did you mean \"{}\"?", clean(one)),
        several => {
            let names: Vec<_> = several.iter().map(|near| format!("\"{}\"", clean(near))).collect();
            write!(f, ": did you mean one of {}?", names.join(", "))
        }
    }
}

/// `folded, svg or text`.
fn either(names: &[&str]) -> String {
    match names.split_last() {
        Some((last, [])) => (*last).into(),
        Some((last, others)) => format!("{} or {last}", others.join(", ")),
        None => String::new(),
    }
}
