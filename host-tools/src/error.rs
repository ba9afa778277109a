//! The errors of this crate. Each says where it happened, has a message with advice, and selects an exit code.

mod message;
mod unknown;

use std::io;
use std::path::{Path, PathBuf};

use crate::exit::Exit;

/// A reason to stop.
#[derive(Debug)]
pub enum Error {
    /// An input can't be opened or read.
    Read {
        /// The path of the file.
        path: PathBuf,
        /// The reason.
        source: io::Error,
    },
    /// A path names something else than a regular file.
    NotAFile {
        /// The path of the file.
        path: PathBuf,
    },
    /// The input is not a dump.
    NotADump {
        /// The path of the file.
        path: PathBuf,
        /// What it seems to be.
        reason: &'static str,
    },
    /// The input has the format of a newer or much older version.
    Version {
        /// The path of the file.
        path: PathBuf,
        /// The version of its format.
        version: u16,
    },
    /// A compressed input or a pipe is larger than the limit.
    TooLarge {
        /// The path of the file.
        path: PathBuf,
        /// The limit in bytes.
        limit: u64,
    },
    /// A dump has no readable snapshot.
    NoSnapshot {
        /// The path of the file.
        path: PathBuf,
        /// The process that began the file, if it wrote nothing else.
        begun: Option<u32>,
    },
    /// No snapshot of the dump is by this tracker.
    NoTracker {
        /// The number of the tracker.
        number: usize,
        /// How many trackers the dump has.
        known: usize,
    },
    /// A sum of figures is beyond 64 bits, so the dump is damaged.
    Figures {
        /// The metric.
        metric: &'static str,
    },
    /// The view has too many frames.
    TooManyFrames,
    /// The dump does not have this name.
    Unknown {
        /// The kind of name: `thread`, `stage`, `tag`.
        what: &'static str,
        /// The name.
        name: String,
        /// The most similar names in the dump.
        near: Vec<String>,
    },
    /// The dump has the figures of a stage but not its cells.
    StageWithoutCells {
        /// The name of the stage.
        name: String,
    },
    /// A `--binary` has another build id than the dump.
    WrongBinary {
        /// The path of the binary.
        path: PathBuf,
        /// The module in the dump.
        module: String,
        /// The build id of the binary.
        found: String,
        /// The build id in the dump.
        wanted: String,
    },
    /// A `--binary` is not a program or library.
    UnusableBinary {
        /// The path of the binary.
        path: PathBuf,
        /// The reason.
        reason: String,
    },
    /// A regular expression has an error.
    Pattern {
        /// The expression.
        pattern: String,
        /// The error, with its line if it has one.
        reason: String,
    },
    /// The dump does not have the figures of the whole program.
    NoFigures,
    /// A process has no recording.
    NoRecording {
        /// The process id.
        pid: u32,
    },
    /// A file is not a recording.
    NotARecording {
        /// The path of the file.
        path: PathBuf,
    },
    /// A file of limits has an error.
    Limits {
        /// The path of the file.
        path: PathBuf,
        /// The error, with its line if it has one.
        reason: String,
    },
    /// A file of suppressions has an error.
    Suppressions {
        /// The path of the file.
        path: PathBuf,
        /// The error, with its line if it has one.
        reason: String,
    },
    /// A dump is of another program than the first one.
    OtherProgram {
        /// The path of the file.
        path: PathBuf,
        /// Its program.
        found: String,
        /// The program of the first dump.
        wanted: String,
    },
    /// `diff` does not write this format.
    NotForDiff {
        /// The names of the formats that it writes.
        formats: Vec<&'static str>,
    },
    /// The extension of the output file belongs to no format.
    UnknownFormat {
        /// The path of the file.
        path: PathBuf,
        /// The usual extensions of all formats.
        endings: String,
    },
    /// The server can't listen on a port.
    Listen {
        /// The requested port; 0 for any.
        port: u16,
        /// The reason.
        reason: String,
    },
    /// An error about one of several dumps.
    Of {
        /// The path of the dump.
        dump: PathBuf,
        /// The error.
        error: Box<Error>,
    },
    /// The output can't be written.
    Write {
        /// The path of the output.
        path: PathBuf,
        /// The reason.
        source: io::Error,
    },
}

impl Error {
    /// The same error, with the dump in which it happened.
    #[must_use]
    pub fn of(self, dump: &Path) -> Error {
        Error::Of { dump: dump.into(), error: Box::new(self) }
    }

    /// The exit code of the program.
    #[must_use]
    pub fn exit(&self) -> Exit {
        match self {
            Error::Of { error, .. } => error.exit(),
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
