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
const PROCESSOR: [&str; 4] = ["-mthumb", "-mcpu=cortex-m4", "-mfloat-abi=hard", "-mfpu=fpv4-sp-d16"];
/// Without frame pointers, as firmware is usually built: only the unwind tables lead through a stack.
const COMPILE: [&str; 11] = [
    "-std=c11",
    "-Wall",
    "-Wextra",
    "-Wpedantic",
    "-Werror",
    "-g",
    "-O2",
    "-fomit-frame-pointer",
    "-funwind-tables",
    "-ffunction-sections",
    "-fdata-sections",
];
const LINK: [&str; 5] =
    ["-nostartfiles", "-Wl,--gc-sections", "-Wl,-z,noexecstack", "-Wl,--build-id=sha1", "-Tmps2_an386.ld"];
/// The sources of all programs.
const SOURCES: [&str; 4] = ["start.s", "board.c", "main.c", "gateway.c"];

/// The heap of a program, and the flags that lead its calls of `malloc` to memtrack.
struct Heap {
    source: &'static str,
    flags: &'static [&'static str],
}

fn heap(program: &str) -> Heap {
    match program {
        "c_own_heap" => Heap {
            source: "own_heap.c",
            flags: &[
                "-Dmalloc=memtrack_malloc",
                "-Dcalloc=memtrack_calloc",
                "-Drealloc=memtrack_realloc",
                "-Dfree=memtrack_free",
            ],
        },
        _ => Heap {
            source: "newlib.c",
            flags: &["-Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc,--wrap=free"],
        },
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
            gcc.args(PROCESSOR).arg("-specs=nano.specs");
            return Ok(gcc);
        };
        let (usr, program) = (prefix.join("usr"), prefix.join("usr/bin").join(GCC));
        let newlib = usr.join("lib/arm-none-eabi/newlib");
        let variant = tool::output(Command::new(&program).args(PROCESSOR).arg("-print-multi-directory"))?;
        let libraries = newlib.join(String::from_utf8(variant)?.trim());
        let mut gcc = Command::new(program);
        gcc.args(PROCESSOR).arg("-isystem").arg(usr.join("include/newlib"));
        gcc.arg(format!("-B{}/", libraries.display())).arg("-L").arg(libraries);
        gcc.arg(format!("-specs={}", newlib.join("nano.specs").display()));
        Ok(gcc)
    }

    /// Builds the library, and `program` with it.
    pub(crate) fn build(&self, board: &Board, toolchain: &Toolchain, program: &str) -> Result<Firmware> {
        let library = library(board, toolchain)?;
        let (heap, firmware) = (heap(program), Firmware::new(board, program)?);
        let examples = workspace::root().join("examples/firmware");
        let mut gcc = self.command()?;
        gcc.args(COMPILE).args(LINK).args(heap.flags).args(SOURCES).arg(heap.source).arg(library);
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
