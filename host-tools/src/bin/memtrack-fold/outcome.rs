//! How a command ends.

use memtrack_host_tools::Error;
use memtrack_host_tools::exit::Exit;

/// The exit code, or the error that kept the command from writing anything.
pub type Outcome = Result<Exit, Error>;
