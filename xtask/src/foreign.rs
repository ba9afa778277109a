//! `cargo xtask foreign`: a program on processors that are not at hand, a big-endian one among them. Its dumps are compared
//! with the one that it writes here, and kept in `tests/corpus/foreign` with the symbols that name them, where the suite
//! `foreign` reads them without any of this.
//!
//! The standard library is built for each, which takes minutes: not part of `cargo xtask test`.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::suite::{Suite, Verdict};
use crate::toolchain::Toolchain;
use crate::{tool, workspace};

const PROGRAM: &str = "foreign";

/// A Linux that is not this machine's.
struct Processor {
    /// QEMU's name, and Debian's of compiler and C library.
    name: &'static str,
    triple: &'static str,
    /// What Debian calls it in the name of the C library's package.
    package: &'static str,
    /// There is an unwinder, so names are needed.
    has_stacks: bool,
}

const PROCESSORS: [Processor; 3] = [
    Processor { name: "aarch64", triple: "aarch64-unknown-linux-gnu", package: "arm64", has_stacks: true },
    Processor {
        name: "riscv64",
        triple: "riscv64gc-unknown-linux-gnu",
        package: "riscv64",
        has_stacks: true,
    },
    Processor { name: "s390x", triple: "s390x-unknown-linux-gnu", package: "s390x", has_stacks: false },
];

impl Processor {
    fn gcc(&self) -> String {
        format!("{}-linux-gnu-gcc", self.name)
    }

    fn qemu(&self) -> String {
        format!("qemu-{}", self.name)
    }
}

/// One suite for each.
pub(crate) fn suites() -> Vec<Suite> {
    let suite = |processor: &'static Processor| {
        let needs = [
            (processor.gcc(), format!("gcc-{}-linux-gnu", processor.name)),
            (
                format!("/usr/{}-linux-gnu/lib/libc.so", processor.name),
                format!("libc6-dev-{}-cross", processor.package),
            ),
            (processor.qemu(), "qemu-user".to_string()),
        ];
        let suite = Suite::skippable(format!("foreign: {}", processor.name), || run(processor));
        suite.needing(needs.iter().map(|(program, package)| (program, package)))
    };
    PROCESSORS.iter().map(suite).collect()
}

fn run(processor: &Processor) -> Result<Verdict> {
    let toolchain = match Toolchain::for_target(processor.triple)? {
        Ok(toolchain) => toolchain,
        Err(missing) => return Ok(Verdict::Skipped(missing)),
    };
    let root = workspace::root();
    let mut cargo = tool::cargo_command(&["build", "--quiet", "--target", processor.triple]);
    cargo.args(["--package", PROGRAM]).arg("--target-dir").arg(root.join("target/foreign"));
    let variable = processor.triple.to_uppercase().replace('-', "_");
    cargo.env(format!("CARGO_TARGET_{variable}_LINKER"), processor.gcc());
    // Names come from the symbol table; the standard library is built the faster.
    cargo.env("CARGO_PROFILE_DEV_DEBUG", "0").env("CARGO_PROFILE_DEV_PANIC", "abort");
    toolchain.choose(&mut cargo, "std,panic_abort");
    tool::run(&mut cargo)?;

    let program = root.join("target/foreign").join(processor.triple).join("debug").join(PROGRAM);
    let folder = root.join("tests/corpus/foreign");
    fs::create_dir_all(&folder)?;
    let dump = folder.join(processor.name).with_extension("memtrack");
    if dump.exists() {
        fs::remove_file(&dump)?;
    }
    let mut qemu = Command::new(processor.qemu());
    qemu.arg("-L").arg(format!("/usr/{}-linux-gnu", processor.name)).arg(&program).arg(&dump);
    tool::run(&mut qemu)?;
    if processor.has_stacks {
        symbols(processor, &program, &dump.with_extension("symbols"))?;
    }
    // What is right of it stands beside the dumps.
    tool::cargo(&["test", "--quiet", "--package", "memtrack-tests", "--test", "foreign"])?;
    Ok(Verdict::Passed)
}

/// Keeps the build id and the program's own symbols: a hundredth of the program.
fn symbols(processor: &Processor, program: &Path, symbols: &Path) -> Result<()> {
    let objcopy = format!("{}-linux-gnu-objcopy", processor.name);
    let few = symbols.with_extension("few");
    let mut keep = Command::new(&objcopy);
    keep.args([
        "--strip-all",
        "--wildcard",
        "--keep-symbol=*7foreign4main*",
        "--keep-symbol=*7foreign6worker*",
    ]);
    keep.arg("--keep-symbol=*7foreign4work*");
    tool::run(keep.arg(program).arg(&few))?;
    tool::run(Command::new(&objcopy).arg("--only-keep-debug").arg(&few).arg(symbols))?;
    fs::remove_file(&few)?;
    tool::run(Command::new("chmod").arg("644").arg(symbols))?;
    let length = fs::metadata(symbols).context("no symbols")?.len();
    ensure!(length < 64 << 10, "{length} bytes of symbols are too many to keep");
    Ok(())
}
