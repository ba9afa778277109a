//! How a command ends.

use memtrack_host_tools::Error;

/// How it went; the exit code.
#[derive(Clone, Copy)]
pub enum Done {
    /// All of the input was read.
    Whole = 0,
    /// A limit was exceeded.
    Exceeded = 1,
    /// Everything was written, but the input was damaged.
    Damaged = 3,
}

/// How it went, or why nothing was written.
pub type Outcome = Result<Done, Error>;
