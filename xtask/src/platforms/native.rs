//! The system of this machine: what is portable is tested with the machine's own compiler. Continuous integration runs it on
//! systems that no other machine can run programs of.

use anyhow::Result;

use crate::suite::Suite;
use crate::tool;

/// The packages that every system builds, chosen together: they have the same features in each command.
const PACKAGES: [&str; 8] =
    ["-p", "memtrack-core", "-p", "memtrack-format", "-p", "memtrack-host-tools", "-p", "everywhere"];

pub(super) fn suite() -> Suite {
    Suite::new("platform: native", run)
}

/// Builds the programs, and runs the unit tests of the packages and the suite `everywhere`.
fn run() -> Result<()> {
    let cargo = |arguments: &[&str]| tool::run(tool::cargo_command(arguments).args(PACKAGES));
    cargo(&["build", "--quiet", "--bins"])?;
    cargo(&["test", "--quiet", "--lib"])?;
    let mut everywhere = tool::cargo_command(&["test", "--quiet", "--test", "everywhere"]);
    let lacks = match () {
        // The C library has no call frame information, and its code is not read.
        () if cfg!(all(target_env = "musl", not(any(target_arch = "x86_64", target_arch = "aarch64")))) => {
            "callbacks"
        }
        () if cfg!(target_os = "macos") => "recordings",
        () => "",
    };
    everywhere.env("MEMTRACK_EVERYWHERE_LACKS", lacks);
    tool::run(everywhere.args(PACKAGES))
}
