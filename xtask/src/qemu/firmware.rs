//! A firmware: builds it, and folds its dump.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::board::Board;
use super::machine::Output;
use crate::toolchain::Toolchain;
use crate::{tool, workspace};

/// A program that is built for a board.
pub(crate) struct Firmware {
    elf: PathBuf,
    folder: PathBuf,
    fold: PathBuf,
}

/// The program whose unwinder clang++ builds.
pub(crate) const LIBUNWIND: &str = "mini_backtrace";

/// Frames of libraries. Their names and inlining change with every compiler, but the expected files must not.
const LIBRARIES: &str = "^(<|alloc::|core::|miniserde::)";

impl Firmware {
    /// Builds `program` for the board, and the host's tool.
    pub(crate) fn build(board: &Board, toolchain: &Toolchain, program: &str) -> Result<Self> {
        let target_dir = workspace::root().join("target/firmware");
        let mut cargo = tool::cargo_command(&["build", "--quiet", "--release", "--target", board.target]);
        cargo.args(["--bin", program]).arg("--target-dir").arg(&target_dir);
        // The folder of the `.cargo/config.toml` with the targets' flags.
        cargo.current_dir(workspace::root().join("examples/firmware")).env_remove("RUSTFLAGS");
        if program == LIBUNWIND {
            cargo.args(["--features", "mini-backtrace"]);
            let target = board.target.replace('-', "_");
            for (variable, tool) in [("CXX", "clang++"), ("CC", "clang"), ("AR", "llvm-ar")] {
                cargo.env(format!("{variable}_{target}"), tool);
            }
        }
        toolchain.choose(&mut cargo, "core,alloc");
        toolchain.choose_linker(&mut cargo, board.target)?;
        tool::run(&mut cargo)?;
        let elf = target_dir.join(board.target).join("release").join(program);
        Ok(Firmware { elf, ..Self::new(board, program)? })
    }

    /// A program that the caller builds into its folder. Builds the host's tool.
    pub(crate) fn new(board: &Board, program: &str) -> Result<Self> {
        tool::cargo(&["build", "--quiet", "--package", "memtrack-host-tools"])?;
        let folder = workspace::root().join("target/firmware/run").join(board.target).join(program);
        fs::create_dir_all(&folder)?;
        let fold = workspace::target()?.join("debug/memtrack-fold");
        Ok(Firmware { elf: folder.join("firmware.elf"), folder, fold })
    }

    pub(crate) fn elf(&self) -> &Path {
        &self.elf
    }

    /// The folder in which it runs, and which has its output.
    pub(crate) fn folder(&self) -> PathBuf {
        self.folder.clone()
    }

    fn memtrack_fold(&self, arguments: &[&str], dump: &Path) -> Result<Vec<u8>> {
        tool::output(Command::new(&self.fold).args(arguments).arg(dump).arg("--binary").arg(&self.elf))
    }

    /// Folds a dump that may be of another program, or damaged.
    pub(crate) fn fold(&self, dump: &Path) -> Result<std::process::Output> {
        let mut fold = Command::new(&self.fold);
        fold.arg(dump).arg("--binary").arg(&self.elf).output().context("cannot start memtrack-fold")
    }

    /// Checks that the figures of its dump add up: recorded + lost = observed.
    pub(crate) fn adds_up(&self, dump: &Path) -> Result<()> {
        let said = String::from_utf8_lossy(&self.fold(dump)?.stderr).into_owned();
        ensure!(!said.contains("figures do not add up"), "{said}");
        Ok(())
    }

    /// The folded stacks of its dump.
    pub(crate) fn folded(&self, dump: &Path, options: &[&str]) -> Result<String> {
        let folded = self.memtrack_fold(&[options, &["--hide", LIBRARIES]].concat(), dump)?;
        String::from_utf8(folded).context("folded stacks are text")
    }

    /// A line of the numbers of frames, events and bytes.
    pub(crate) fn figures(&self, output: &Output) -> Result<String> {
        let info: Value = serde_json::from_slice(&self.memtrack_fold(&["info", "--json"], &output.dump)?)?;
        let number = |found: Option<&Value>| found.and_then(Value::as_u64).context("info lacks a figure");
        let tables = info["tables"].as_array().map_or(&[][..], Vec::as_slice);
        let nodes = tables.iter().find(|table| table["table"] == "stack nodes");
        let events = number(info.pointer("/totals/allocs"))? + number(info.pointer("/totals/frees"))?;
        Ok(format!(
            "{} frames {events} events {} bytes",
            number(nodes.map(|table| &table["used"]))?,
            output.bytes
        ))
    }
}
