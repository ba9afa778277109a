//! `cargo xtask foreign`: runs a program on other processors, of which one is big-endian. Its dumps go into
//! `tests/corpus/foreign`, with the symbols of their names. The suite `foreign` reads them there, and compares them with the
//! dump that the program writes on this machine.
//!
//! The standard library is built for each processor. That takes minutes: it is not part of `cargo xtask test`.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::suite::Suite;
use crate::toolchain::Toolchain;
use crate::{tool, workspace};

const PROGRAM: &str = "foreign";

/// A processor under Linux.
struct Processor {
    /// The name that QEMU, and Debian's compiler and C library, have for it.
    name: &'static str,
    triple: &'static str,
    /// Its name in that of Debian's package of the C library.
    package: &'static str,
    /// memtrack has an unwinder for it, so names are needed.
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

/// One suite for each processor.
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
        Suite::new(format!("foreign: {}", processor.name), || run(processor)).needing(needs)
    };
    PROCESSORS.iter().map(suite).collect()
}

fn run(processor: &Processor) -> Result<()> {
    let toolchain = Toolchain::for_target(processor.triple)?;
    let root = workspace::root();
    let mut cargo = tool::cargo_command(&["build", "--quiet", "--target", processor.triple]);
    cargo.args(["--package", PROGRAM]).arg("--target-dir").arg(root.join("target/foreign"));
    let variable = processor.triple.to_uppercase().replace('-', "_");
    cargo.env(format!("CARGO_TARGET_{variable}_LINKER"), processor.gcc());
    // Names come from the symbol table. Without debug information the standard library is built faster.
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
    // The expected figures are beside the dumps.
    tool::cargo(&["test", "--quiet", "--package", "memtrack-tests", "--test", "foreign"])
}

/// Writes the build id and the program's own symbols: a hundredth of the program.
fn symbols(processor: &Processor, program: &Path, symbols: &Path) -> Result<()> {
    let objcopy = format!("{}-linux-gnu-objcopy", processor.name);
    let few = symbols.with_extension("few");
    let mut keep = Command::new(&objcopy);
    keep.args(["--strip-all", "--wildcard"]);
    keep.args(["main", "worker", "work"].map(|name| format!("--keep-symbol=*7foreign{}{name}*", name.len())));
    tool::run(keep.arg(program).arg(&few))?;
    tool::run(Command::new(&objcopy).arg("--only-keep-debug").arg(&few).arg(symbols))?;
    fs::remove_file(&few)?;
    tool::run(Command::new("chmod").arg("644").arg(symbols))?;
    let length = fs::metadata(symbols).context("no symbols")?.len();
    ensure!(length < 64 << 10, "{length} bytes of symbols are too many to keep");
    Ok(())
}
