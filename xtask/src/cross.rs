//! The crates that run on a target, each checked alone for bare metal. A build of the whole workspace proves nothing about
//! `no_std`: cargo unites the features of all crates that it builds together, and the host always has `std`.

use anyhow::Result;

use crate::suite::Suite;
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
    let suite =
        |target: &'static Target| Suite::new(format!("no_std: {}", target.triple), || build(target)).beside();
    TARGETS.iter().map(suite).collect()
}

fn build(target: &Target) -> Result<()> {
    let toolchain = Toolchain::for_target(target.triple)?;
    let metadata = workspace::metadata()?;
    let packages = metadata.workspace_packages();
    for package in packages.into_iter().filter(|package| CRATES.contains(&package.name.as_str())) {
        let mut cargo = toolchain.cargo_rustc(target.triple);
        // Building firmware makes code of them.
        cargo.args(["--profile", "check", "--lib", "--no-default-features", "--package", &package.name]);
        if target.lacks_cas {
            // The firmware chooses the critical section that replaces compare-and-swap. The flags are the same for all crates:
            // with other flags the standard library would be built again.
            cargo.env("RUSTFLAGS", "--cfg portable_atomic_unsafe_assume_single_core");
            if package.features.contains_key("portable-atomic") {
                cargo.args(["--features", "portable-atomic"]);
            }
        }
        // The host's lints do not see the code that only such targets compile.
        tool::run(cargo.args(["--", "-D", "warnings"]))?;
    }
    Ok(())
}
