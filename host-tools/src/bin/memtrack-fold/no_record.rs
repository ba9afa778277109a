//! `memtrack-fold record` on systems where memtrack has no library that can be loaded into an unchanged program.

use std::process::ExitCode;

use memtrack_host_tools::exit::Exit;

use crate::args::Record;
use crate::messages::fail;

pub fn run(_: &Record) -> ExitCode {
    fail(
        "`record` works on Linux and macOS only: on this system, build the tracker into the program (docs/rust.md, docs/c.md)",
    );
    ExitCode::from(Exit::Usage.row().code)
}
