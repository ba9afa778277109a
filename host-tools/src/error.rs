//! What can go wrong, each with what to do about it and the exit code of the program.

mod message;
mod unknown;

use std::io;
use std::path::PathBuf;

use crate::exit::Exit;

/// Why the tool stops.
#[derive(Debug)]
pub enum Error {
    /// An input could not be opened or read.
    Read {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A path that must name a regular file names something else.
    NotAFile {
        /// Which.
        path: PathBuf,
    },
    /// The input is no dump.
    NotADump {
        /// Which.
        path: PathBuf,
        /// What it is instead, as far as can be told.
        reason: &'static str,
    },
    /// The input was written by a newer or much older version.
    Version {
        /// Which.
        path: PathBuf,
        /// The version it was written in.
        version: u16,
    },
    /// The input is compressed, or a pipe, and holds more than it may.
    TooLarge {
        /// Which.
        path: PathBuf,
        /// Most bytes that are read.
        limit: u64,
    },
    /// A dump from which nothing could be read.
    NoSnapshot {
        /// Which.
        path: PathBuf,
        /// The process that began the file and wrote nothing else.
        begun: Option<u32>,
    },
    /// A tracker was asked for that wrote none of the dump's snapshots.
    NoTracker {
        /// Its number.
        number: usize,
        /// How many there are.
        known: usize,
    },
    /// The dump's figures are larger than any program's can be.
    Figures {
        /// Which metric.
        metric: &'static str,
    },
    /// The view has more frames than can be shown.
    TooManyFrames,
    /// A name that the dump does not hold.
    Unknown {
        /// What was asked for: `thread`, `stage`, `tag`.
        what: &'static str,
        /// The name given.
        name: String,
        /// The nearest names that are there.
        near: Vec<String>,
    },
    /// A stage of which the dump has figures but no cells.
    StageWithoutCells {
        /// Its name.
        name: String,
    },
    /// A `--binary` that is not the dump's.
    WrongBinary {
        /// The file given.
        path: PathBuf,
        /// The module it was to be used for.
        module: String,
        /// Build id of the file.
        found: String,
        /// Build id in the dump.
        wanted: String,
    },
    /// A `--binary` that holds no program.
    UnusableBinary {
        /// The file given.
        path: PathBuf,
        /// Why it can't be used.
        reason: String,
    },
    /// A regular expression with an error in it.
    Pattern {
        /// The expression.
        pattern: String,
        /// What is wrong.
        reason: String,
    },
    /// A dump without the figures of the whole program.
    NoFigures,
    /// A process that has no recording.
    NoRecording {
        /// Which.
        pid: u32,
    },
    /// A file that is no recording, where one is asked for.
    NotARecording {
        /// Which.
        path: PathBuf,
    },
    /// A file of limits with an error in it.
    Limits {
        /// Which.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// A file of suppressions with an error in it.
    Suppressions {
        /// Which.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// A dump of another program than the first one.
    OtherProgram {
        /// Which.
        path: PathBuf,
        /// What it is of.
        found: String,
        /// What the first one is of.
        wanted: String,
    },
    /// A format that a command does not write.
    NotForDiff {
        /// The names of the formats that it writes.
        formats: Vec<&'static str>,
    },
    /// An output file whose extension says no format.
    UnknownFormat {
        /// The file.
        path: PathBuf,
        /// The usual extensions of all formats.
        endings: String,
    },
    /// No port could be listened on.
    Listen {
        /// The port asked for, 0 for any.
        port: u16,
        /// Why.
        reason: String,
    },
    /// The output could not be written.
    Write {
        /// Where to.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

impl Error {
    /// How the program ends because of it.
    #[must_use]
    pub fn exit(&self) -> Exit {
        match self {
            Error::Unknown { .. }
            | Error::NoTracker { .. }
            | Error::StageWithoutCells { .. }
            | Error::WrongBinary { .. }
            | Error::UnusableBinary { .. }
            | Error::Pattern { .. }
            | Error::NoRecording { .. }
            | Error::TooManyFrames
            | Error::Limits { .. }
            | Error::Suppressions { .. }
            | Error::NotForDiff { .. }
            | Error::OtherProgram { .. }
            | Error::UnknownFormat { .. } => Exit::Usage,
            Error::NotADump { .. }
            | Error::Version { .. }
            | Error::TooLarge { .. }
            | Error::NoSnapshot { .. }
            | Error::NoFigures
            | Error::NotARecording { .. }
            | Error::Figures { .. } => Exit::Damaged,
            Error::Read { .. } | Error::NotAFile { .. } | Error::Listen { .. } | Error::Write { .. } => {
                Exit::Io
            }
        }
    }
}
