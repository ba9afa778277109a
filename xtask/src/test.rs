//! `cargo xtask test`: the checks, then every test of the workspace, unoptimised and optimised. What optimisation
//! changes (inlined frames, tail calls, reused stack words) is what a profiler stumbles over.

use std::time::Duration;

use anyhow::Result;

use crate::suite::Suite;
use crate::workspace::Metadata;
use crate::{check, demo, fuzz, mini_backtrace, models, qemu, sizes, watchdog};

struct Profile {
    name: &'static str,
    flags: &'static [&'static str],
    /// What chooses the unit tests.
    units: &'static [&'static str],
}

const PROFILES: [Profile; 2] = [
    // The tests of the benchmarks are run once: they mean nothing where they are not optimised.
    Profile {
        name: "debug",
        flags: &["--exclude", "memtrack-benches"],
        units: &["--lib", "--bin", "memtrack-fold"],
    },
    // A dump says the same to a reader that is optimised; its suites have that one read more of them.
    Profile { name: "release", flags: &["--release"], units: &["--lib", "--exclude", "memtrack-host-tools"] },
];
/// All but these commands themselves. They are built alone, before all else; with the others they would have other features,
/// and be built again.
const WORKSPACE: [&str; 5] = ["--workspace", "--exclude", "xtask", "--exclude", "bench-driver"];

pub(crate) fn suites() -> Result<Vec<Suite>> {
    let metadata = Metadata::read()?;
    let mut suites = check::suites()?;
    for Profile { name: profile, flags, units } in PROFILES {
        let suite = |name: &str, arguments: &[&str], limit: Duration| {
            // Always the same packages: another choice of packages would be another choice of features, and all
            // would be built again.
            let arguments = [arguments, &WORKSPACE, flags].concat();
            Suite::cargo_within(format!("{name} ({profile})"), &arguments, limit)
        };
        let build = suite("build", &["build"], watchdog::LIMIT);
        let built = build.name.clone();
        suites.push(build);
        suites.push(suite("unit tests", &[&["test", "--quiet"], units].concat(), watchdog::LIMIT));
        for package in metadata.members() {
            let tests = package.targets.iter().filter(|target| target.kind.iter().any(|kind| kind == "test"));
            for test in tests.filter(|test| profile != "debug" || !package.is_run_once(&test.name)) {
                let arguments = ["test", "--quiet", "--test", &test.name];
                // Suites start programs of other packages.
                let suite = suite(&test.name, &arguments, watchdog::TESTS_LIMIT).after(&built);
                suites.push(suite.needing(package.needs(&test.name)));
            }
        }
    }
    let examples = [&["test", "--quiet", "--doc"], &WORKSPACE[..]].concat();
    suites.push(Suite::cargo("documentation's examples", &examples));
    suites.push(Suite::cargo(
        "unit tests (xtask)",
        &["test", "--quiet", "--package", "xtask", "--package", "bench-driver"],
    ));
    suites.push(models::suite());
    suites.push(mini_backtrace::suite());
    suites.push(Suite::new("demo", demo::run));
    suites.extend(qemu::suites());
    suites.extend(fuzz::suites()?);
    suites.push(sizes::suite());
    Ok(suites)
}
