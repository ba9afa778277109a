//! `cargo xtask bless binaries`: the Mach-O, PE and ELF files of other machines that the host tool's suite reads.

use std::process::Command;

use anyhow::Result;

use crate::lanes;
use crate::suite::Suite;
use crate::{tool, workspace};

/// What the script runs, and the Debian packages that bring it.
const NEEDS: [(&str, &str); 3] = [("clang", "clang"), ("ld.lld", "lld"), ("llvm-config-14", "llvm-14")];

/// Makes them, and what they are expected to say.
pub(crate) fn bless() -> Result<bool> {
    let needs = NEEDS.map(|(program, package)| (program.to_owned(), package.to_owned()));
    let script = workspace::root().join("host-tools/tests/corpus/make.sh");
    let make = Suite::new("binaries", move || tool::run(&mut Command::new(script)));
    lanes::run_all(vec![make.needing(needs.iter().map(|(program, package)| (program, package)))], &[])
}
