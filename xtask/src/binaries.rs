//! `cargo xtask bless binaries`: the Mach-O, PE and ELF files of other machines that the host tool's suite reads.

use std::process::Command;

use anyhow::Result;

use crate::lanes;
use crate::suite::Suite;
use crate::{tool, workspace};

/// The programs that the script runs, and the Debian packages that bring them.
const NEEDS: [(&str, &str); 3] = [("clang", "clang"), ("ld.lld", "lld"), ("llvm-config-14", "llvm-14")];

/// Makes the files, and the expected output beside them.
pub(crate) fn bless() -> Result<bool> {
    let script = workspace::root().join("host-tools/tests/corpus/make.sh");
    let make = Suite::new("binaries", move || tool::run(&mut Command::new(script)));
    lanes::run_all(vec![make.needing(NEEDS)], &[])
}
