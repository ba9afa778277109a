//! Each crate for targets, checked alone for bare metal. A build of the whole workspace proves nothing about `no_std`:
//! cargo unites the features of all crates that it builds together, and the host's `std` is always there.

use anyhow::Result;

use crate::suite::{Suite, Verdict};
use crate::toolchain::Toolchain;
use crate::{tool, workspace};

/// The crates that run on a target, in the order of their dependencies.
const CRATES: [&str; 3] = ["memtrack-format", "memtrack-core", "memtrack-ffi"];

struct Target {
    triple: &'static str,
    /// The processor has no compare-and-swap.
    lacks_cas: bool,
}

const TARGETS: [Target; 3] = [
    Target { triple: "thumbv7em-none-eabihf", lacks_cas: false },
    Target { triple: "thumbv6m-none-eabi", lacks_cas: true },
    Target { triple: "riscv32imac-unknown-none-elf", lacks_cas: false },
];

/// One suite for each target.
pub(crate) fn suites() -> Vec<Suite> {
    TARGETS
        .iter()
        .map(|target| Suite::skippable(format!("no_std: {}", target.triple), || build(target)).beside())
        .collect()
}

fn build(target: &Target) -> Result<Verdict> {
    let toolchain = match Toolchain::for_target(target.triple)? {
        Ok(toolchain) => toolchain,
        Err(missing) => return Ok(Verdict::Skipped(missing)),
    };
    let metadata = workspace::Metadata::read()?;
    for package in metadata.members().filter(|package| CRATES.contains(&package.name.as_str())) {
        let mut cargo = toolchain.cargo_rustc(target.triple);
        // Code is made of them where firmware is built.
        cargo.args(["--profile", "check", "--lib", "--no-default-features", "--package", &package.name]);
        if target.lacks_cas {
            // Which critical section stands in for compare-and-swap is for the firmware to choose. For all crates: with
            // other flags the standard library would be built again.
            cargo.env("RUSTFLAGS", "--cfg portable_atomic_unsafe_assume_single_core");
            if package.features.contains_key("portable-atomic") {
                cargo.args(["--features", "portable-atomic"]);
            }
        }
        // The host's lints do not see the code that only such targets compile.
        tool::run(cargo.args(["--", "-D", "warnings"]))?;
    }
    Ok(Verdict::Passed)
}
