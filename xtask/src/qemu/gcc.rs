//! Firmware in C: `libmemtrack.a` for the board's target, linked to C by ARM's own compiler.

use std::path::PathBuf;
use std::process::Command;

use anyhow::Result;

use super::board::Board;
use super::firmware::Firmware;
use crate::toolchain::Toolchain;
use crate::{debian, tool, workspace};

const PACKAGES: [&str; 2] = ["gcc-arm-none-eabi", "libnewlib-arm-none-eabi"];
const GCC: &str = "arm-none-eabi-gcc";
/// The processor of the MPS2 board.
const PROCESSOR: &str = "-mthumb -mcpu=cortex-m4 -mfloat-abi=hard -mfpu=fpv4-sp-d16";
/// Without frame pointers, as firmware is usually built: only the unwind tables lead through a stack.
const COMPILE: &str = "-std=c11 -Wall -Wextra -Wpedantic -Werror -g -O2 -fomit-frame-pointer -funwind-tables \
    -ffunction-sections -fdata-sections";
const LINK: &str = "-nostartfiles -Wl,--gc-sections -Wl,-z,noexecstack -Wl,--build-id=sha1 -Tmps2_an386.ld";
/// The sources of all programs.
const SOURCES: [&str; 2] = ["start.s", "board.c"];
/// Those of the program without tasks, and of the kernel.
const GATEWAY: [&str; 3] = ["vectors.s", "main.c", "gateway.c"];
const KERNEL: [&str; 4] = ["kernel/vectors.s", "kernel/switch.s", "kernel/tasks.c", "kernel/heap.c"];
const STORM: [&str; 4] = ["storm.c", "kernel/tally.c", "kernel/timers.c", "kernel/said.c"];
/// Flags of a program that includes the kernel's headers.
const WITH_KERNEL: [&str; 2] = ["-Ikernel", "-I."];
/// Those of the storm: a fast tick.
const OF_STORM: [&str; 2] = ["-DTRACE_BY_HAND", "-DconfigTICK_CYCLES=701"];

/// A program: its sources, the flags for compiler and linker, and the capacities of its library's tables.
#[derive(Default)]
struct Program {
    sources: Vec<&'static str>,
    flags: Vec<String>,
    capacities: &'static [(&'static str, &'static str)],
}

/// A slot each for main, four tasks and the idle task, which frees the memory of the others.
const TASKS: &[(&str, &str)] = &[("THREADS", "8")];
/// Tasks and interrupts have stacks of their own.
const LARGE: &[(&str, &str)] = &[("THREADS", "10"), ("NODES", "512"), ("CELLS", "128")];
/// Room for one entry each: the first node, the first cell and two slots of threads are the tracker's own.
const FULL: &[(&str, &str)] =
    &[("THREADS", "3"), ("NODES", "2"), ("CELLS", "2"), ("STAGES", "1"), ("TAGS", "1"), ("DEPTH", "1")];

impl Program {
    fn named(name: &str) -> Self {
        const CALLS: [&str; 4] = ["malloc", "calloc", "realloc", "free"];
        let wrapped = |names: &[&str]| names.iter().map(|name| format!("-Wl,--wrap={name}")).collect();
        let with_kernel = |sources: &[&'static str], more: &[&str], flags: Vec<String>| Program {
            sources: [&KERNEL, sources].concat(),
            flags: WITH_KERNEL.iter().chain(more).map(|flag| flag.to_string()).chain(flags).collect(),
            ..Program::default()
        };
        let storm = |more: &[&str], capacities| {
            let flags = more.iter().map(|flag| flag.to_string()).collect();
            Program { capacities, ..with_kernel(&STORM, &OF_STORM, flags) }
        };
        match name {
            "c_tasks" => Program {
                capacities: TASKS,
                ..with_kernel(&["tasks.c"], &[], wrapped(&["pvPortMalloc", "pvPortCalloc", "vPortFree"]))
            },
            "c_listener" => with_kernel(&["listener.c", "kernel/zephyr.c"], &["-DTRACE_BY_HAND"], Vec::new()),
            "c_storm" => storm(&[], LARGE),
            "c_storm_locked" => storm(&["-DLOCKED"], LARGE),
            "c_storm_full" => storm(&["-DFULL"], FULL),
            "c_own_heap" => Program {
                sources: [&GATEWAY[..], &["own_heap.c"]].concat(),
                flags: CALLS.map(|name| format!("-D{name}=memtrack_{name}")).to_vec(),
                ..Program::default()
            },
            _ => Program {
                sources: [&GATEWAY[..], &["newlib.c"]].concat(),
                flags: wrapped(&CALLS),
                ..Program::default()
            },
        }
    }
}

/// ARM's compiler and C library.
pub(crate) struct Gcc {
    /// The folder below which it is unpacked; `None` when it is installed.
    prefix: Option<PathBuf>,
}

impl Gcc {
    pub(crate) fn find() -> Result<Self> {
        if tool::which(GCC).is_some() {
            return Ok(Gcc { prefix: None });
        }
        Ok(Gcc { prefix: Some(debian::unpacked("arm-gcc", &PACKAGES, "")?) })
    }

    /// The compiler for the board's processor, with the small variant of its C library.
    fn command(&self) -> Result<Command> {
        let Some(prefix) = &self.prefix else {
            let mut gcc = Command::new(GCC);
            gcc.args(PROCESSOR.split(' ')).arg("-specs=nano.specs");
            return Ok(gcc);
        };
        let usr = prefix.join("usr");
        let compiler = || -> Result<Command> {
            let mut gcc = Command::new(usr.join("bin").join(GCC));
            gcc.env("LD_LIBRARY_PATH", debian::library_path(prefix)?).args(PROCESSOR.split(' '));
            Ok(gcc)
        };
        let newlib = usr.join("lib/arm-none-eabi/newlib");
        let variant = tool::output(compiler()?.arg("-print-multi-directory"))?;
        let libraries = newlib.join(String::from_utf8(variant)?.trim());
        let mut gcc = compiler()?;
        gcc.arg("-isystem").arg(usr.join("include/newlib"));
        gcc.arg(format!("-B{}/", libraries.display())).arg("-L").arg(libraries);
        gcc.arg(format!("-specs={}", newlib.join("nano.specs").display()));
        Ok(gcc)
    }

    /// Builds the library, and `program` with it.
    pub(crate) fn build(&self, board: &Board, toolchain: &Toolchain, program: &str) -> Result<Firmware> {
        let firmware = Firmware::new(board, program)?;
        let program = Program::named(program);
        let library = library(board, toolchain, program.capacities)?;
        let examples = workspace::root().join("examples/firmware");
        let mut gcc = self.command()?;
        gcc.args(COMPILE.split(' ')).args(LINK.split(' ')).args(program.flags);
        gcc.args(SOURCES).args(program.sources).arg(library);
        gcc.arg("-I").arg(workspace::root().join("include")).arg("-L").arg(examples.join("board/ld"));
        tool::run(gcc.arg("-o").arg(firmware.elf()).current_dir(examples.join("c")))?;
        Ok(firmware)
    }
}

/// `libmemtrack.a`, optimised for size as in a product, with tables of these capacities.
fn library(board: &Board, toolchain: &Toolchain, capacities: &[(&str, &str)]) -> Result<PathBuf> {
    let mut cargo = toolchain.cargo_rustc(board.target);
    cargo.args(["--quiet", "--release", "--package", "memtrack-ffi", "--no-default-features"]);
    cargo.args(["--lib", "--crate-type", "staticlib"]);
    // The stack of an allocation begins in the library's own functions: they need unwind tables too.
    cargo.env("RUSTFLAGS", "-Cforce-unwind-tables=yes");
    for (setting, value) in [("OPT_LEVEL", "s"), ("LTO", "true"), ("CODEGEN_UNITS", "1")] {
        cargo.env(format!("CARGO_PROFILE_RELEASE_{setting}"), value);
    }
    for (table, capacity) in capacities {
        cargo.env(format!("MEMTRACK_REGION_{table}"), capacity);
    }
    tool::run(&mut cargo)?;
    Ok(workspace::root().join("target/cross").join(board.target).join("release/libmemtrack.a"))
}
