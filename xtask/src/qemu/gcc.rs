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
const SOURCES: [&str; 4] = ["start.s", "board.c", "main.c", "gateway.c"];

/// The source of a program's heap, and the flags that lead its calls of `malloc` to memtrack.
fn heap(program: &str) -> (&'static str, Vec<String>) {
    const CALLS: [&str; 4] = ["malloc", "calloc", "realloc", "free"];
    match program {
        "c_own_heap" => ("own_heap.c", CALLS.map(|name| format!("-D{name}=memtrack_{name}")).to_vec()),
        _ => ("newlib.c", CALLS.map(|name| format!("-Wl,--wrap={name}")).to_vec()),
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
        let library = library(board, toolchain)?;
        let ((heap, flags), firmware) = (heap(program), Firmware::new(board, program)?);
        let examples = workspace::root().join("examples/firmware");
        let mut gcc = self.command()?;
        gcc.args(COMPILE.split(' ')).args(LINK.split(' ')).args(flags).args(SOURCES).arg(heap).arg(library);
        gcc.arg("-I").arg(workspace::root().join("include")).arg("-L").arg(examples.join("board/ld"));
        tool::run(gcc.arg("-o").arg(firmware.elf()).current_dir(examples.join("c")))?;
        Ok(firmware)
    }
}

/// `libmemtrack.a`, optimised for size as in a product.
fn library(board: &Board, toolchain: &Toolchain) -> Result<PathBuf> {
    let mut cargo = toolchain.cargo_rustc(board.target);
    cargo.args(["--quiet", "--release", "--package", "memtrack-ffi", "--no-default-features"]);
    cargo.args(["--lib", "--crate-type", "staticlib"]);
    // The stack of an allocation begins in the library's own functions: they need unwind tables too.
    cargo.env("RUSTFLAGS", "-Cforce-unwind-tables=yes");
    for (setting, value) in [("OPT_LEVEL", "s"), ("LTO", "true"), ("CODEGEN_UNITS", "1")] {
        cargo.env(format!("CARGO_PROFILE_RELEASE_{setting}"), value);
    }
    tool::run(&mut cargo)?;
    Ok(workspace::root().join("target/cross").join(board.target).join("release/libmemtrack.a"))
}
