//! `cargo xtask test`: the checks, then every test of the workspace, unoptimised and optimised. Optimisation inlines frames,
//! makes tail calls and reuses words of the stack: a profiler has to cope with both.

use std::time::Duration;

use anyhow::Result;

use crate::suite::Suite;
use crate::{apart, check, demo, fuzz, platforms, qemu, sizes, watchdog, workspace};

struct Profile {
    name: &'static str,
    flags: &'static [&'static str],
    /// The arguments that choose unit tests.
    units: &'static [&'static str],
}

const PROFILES: [Profile; 2] = [
    // The tests of the benchmarks run once: they mean nothing where they are not optimised.
    Profile {
        name: "debug",
        flags: &["--exclude", "memtrack-benches"],
        units: &["--lib", "--bin", "memtrack-fold"],
    },
    // An optimised reader finds the same in a dump; its suites have it read more dumps.
    Profile { name: "release", flags: &["--release"], units: &["--lib", "--exclude", "memtrack-host-tools"] },
];
/// All packages but the commands and the driver of the benchmarks. These are built alone; with the other packages they would
/// have other features, and be built again.
pub(crate) const WORKSPACE: [&str; 5] = ["--workspace", "--exclude", "xtask", "--exclude", "bench-driver"];

pub(crate) fn suites() -> Result<Vec<Suite>> {
    let metadata = workspace::metadata()?;
    let mut suites = check::suites();
    for Profile { name: profile, flags, units } in PROFILES {
        let suite = |name: &str, arguments: &[&str], limit: Duration| {
            // Always the same packages: with other packages they would have other features, and be built again.
            let arguments = [arguments, &WORKSPACE, flags].concat();
            Suite::cargo_within(format!("{name} ({profile})"), &arguments, limit)
        };
        let build = suite("build", &["build"], watchdog::LIMIT);
        let built = build.name.clone();
        suites.push(build);
        suites.push(suite("unit tests", &[&["test", "--quiet"], units].concat(), watchdog::LIMIT));
        for package in metadata.workspace_packages() {
            for test in package.targets.iter().filter(|target| target.is_test() && target.test) {
                let entry = workspace::suite(package, &test.name)?;
                if profile == "debug" && entry.once {
                    continue;
                }
                let arguments = ["test", "--quiet", "--test", &test.name];
                // Suites start programs of other packages.
                let suite = suite(&test.name, &arguments, watchdog::TESTS_LIMIT).after(&built);
                suites.push(suite.needing(entry.needs));
            }
        }
    }
    let examples = [&["test", "--quiet", "--doc"], &WORKSPACE[..]].concat();
    suites.push(Suite::cargo("documentation's examples", &examples));
    suites.push(Suite::cargo(
        "unit tests (xtask)",
        &["test", "--quiet", "--package", "xtask", "--package", "bench-driver"],
    ));
    suites.push(apart::models());
    suites.push(apart::mini_backtrace());
    suites.push(Suite::new("demo", demo::run));
    suites.extend(platforms::in_short());
    suites.extend(qemu::suites());
    suites.extend(fuzz::suites()?);
    suites.push(sizes::suite());
    Ok(suites)
}
