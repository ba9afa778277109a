//! The errors of the tracker's functions. Each message ends with a remedy.

use core::fmt;

#[cfg(feature = "std")]
use crate::os::errno::Code;

/// An error of the tracker's functions. The hook returns none: it counts losses instead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Error {
    /// Another tracker uses the region.
    RegionTaken,
    /// The process has more trackers than the tables for them.
    TooManyTrackers,
    /// The system has no memory for the tables.
    #[cfg(feature = "std")]
    NoMemory,
    /// The sink of a dump refused the bytes.
    Sink(embedded_io::ErrorKind),
    /// A file could not be written: the operating system's error number.
    File(i32),
    /// A file that a variable names is not written: the reason and the remedy.
    #[cfg(feature = "std")]
    Refused(&'static str),
    /// A path is longer than the system allows.
    PathTooLong,
    /// A signal cannot be handled: the operating system's error number.
    #[cfg(feature = "std")]
    Signal(i32),
    /// The thread that writes dumps cannot be started: the operating system's error number.
    #[cfg(feature = "std")]
    Thread(i32),
    /// An environment variable has a value without meaning: the expected values.
    #[cfg(feature = "std")]
    Variable(&'static str),
    /// Dumps have no file.
    #[cfg(feature = "std")]
    NoFile,
    /// Other threads run already: it is too late for a recording.
    #[cfg(feature = "std")]
    RecordingThreads,
    /// Another process records to the file.
    #[cfg(feature = "std")]
    RecordingTaken,
    /// The tracker is recorded already.
    #[cfg(feature = "std")]
    RecordingRuns,
    /// The region does not begin and end with a page of this system.
    #[cfg(feature = "std")]
    RecordingPages,
    /// The system cannot put a file in the place of memory.
    #[cfg(feature = "std")]
    RecordingSystem,
    /// The system cannot put a file in the place of memory in use: only a variable begins a recording.
    #[cfg(feature = "std")]
    RecordingFromStart,
    /// More named heaps than a region has room for.
    HeapsFull,
    /// Another dump is being written; it continues.
    DumpRunning,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::RegionTaken => f.write_str(
                "another tracker already uses this region: give each tracker a region of its own with Tracker::with_region",
            ),
            Error::TooManyTrackers => f.write_str(
                "too many trackers in one process: the first ones keep working, this one passes allocations through",
            ),
            #[cfg(feature = "std")]
            Error::NoMemory => f.write_str(
                "there is no memory for the tables: raise the limits of address space and data (ulimit -v, ulimit -d)",
            ),
            Error::Sink(kind) => write!(f, "the dump's sink failed ({kind:?}): what was written before is readable"),
            #[cfg(feature = "std")]
            Error::File(code) => {
                write!(f, "the dump could not be written: {}", Code(*code))
            }
            #[cfg(not(feature = "std"))]
            Error::File(code) => write!(f, "the dump could not be written: error {code}"),
            #[cfg(feature = "std")]
            Error::Refused(why) => write!(f, "the file is not written: {why}"),
            #[cfg(feature = "std")]
            Error::Signal(code) => {
                write!(f, "the signal cannot be handled: {}", Code(*code))
            }
            #[cfg(feature = "std")]
            Error::Thread(code) => {
                write!(f, "no thread can be started to wait, so the first event after the time writes the dump: {}", Code(*code))
            }
            #[cfg(feature = "std")]
            Error::Variable(expected) => write!(f, "this should be {expected}"),
            #[cfg(feature = "std")]
            Error::NoFile => f.write_str("the dump has no file to go to: set MEMTRACK_DUMP=path or call dump_stages_to first"),
            #[cfg(feature = "std")]
            Error::RecordingThreads => f.write_str(
                "a recording begins before there are other threads: call record_to first thing in main, or set MEMTRACK_RECORD=path",
            ),
            #[cfg(feature = "std")]
            Error::RecordingTaken => {
                f.write_str("another process records to this file: give each its own, with %p in MEMTRACK_RECORD")
            }
            #[cfg(feature = "std")]
            Error::RecordingRuns => f.write_str("this tracker is recorded already: once is enough"),
            #[cfg(feature = "std")]
            Error::RecordingPages => {
                f.write_str("this system's pages are larger than a region's: take dumps instead of a recording")
            }
            #[cfg(feature = "std")]
            Error::RecordingSystem => f.write_str(
                "this system cannot keep the tables in a file: take dumps instead of a recording, for example at intervals",
            ),
            #[cfg(feature = "std")]
            Error::RecordingFromStart => f.write_str(
                "on this system a recording begins with the program: start it with MEMTRACK_RECORD=path instead of calling record_to",
            ),
            Error::PathTooLong => f.write_str("the path is longer than the system allows: use a shorter one"),
            Error::HeapsFull => f.write_str("too many named heaps: report the rest under a heap that exists"),
            Error::DumpRunning => f.write_str("another dump is being written: try again when it is done"),
        }
    }
}

impl core::error::Error for Error {}
