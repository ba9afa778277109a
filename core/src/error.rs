//! What can go wrong, each with what to do about it.

use core::fmt;

/// An error of the tracker's own functions. The hook has none: it counts losses instead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Error {
    /// Another tracker uses the region.
    RegionTaken,
    /// More trackers in one process than can be told apart.
    TooManyTrackers,
    /// The sink of a dump refused the bytes.
    Sink(embedded_io::ErrorKind),
    /// A file could not be written: the operating system's error number.
    File(i32),
    /// A path is longer than the system allows.
    PathTooLong,
    /// More named heaps than a region has room for.
    HeapsFull,
    /// Another dump is being written; it goes on.
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
            Error::Sink(kind) => write!(f, "the dump's sink failed ({kind:?}): what was written before is readable"),
            #[cfg(feature = "std")]
            Error::File(code) => {
                write!(f, "the dump could not be written: {}", std::io::Error::from_raw_os_error(*code))
            }
            #[cfg(not(feature = "std"))]
            Error::File(code) => write!(f, "the dump could not be written: error {code}"),
            Error::PathTooLong => f.write_str("the path is longer than the system allows: use a shorter one"),
            Error::HeapsFull => f.write_str("too many named heaps: report the rest under a heap that exists"),
            Error::DumpRunning => f.write_str("another dump is being written: try again when it is done"),
        }
    }
}

impl core::error::Error for Error {}
