//! QEMU: finds or fetches it, and runs it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use anyhow::{Context, Result};

use super::board::{Board, WayOut};
use super::firmware::Firmware;
use crate::{debian, tool, watchdog};

const PACKAGES: [&str; 3] = ["qemu-system-arm", "qemu-system-misc", "qemu-system-x86"];
/// A program that only these packages have.
const PROGRAM: &str = "qemu-system-riscv32";
/// The programs whose clock advances by so many nanoseconds an instruction, as a power of two: one measures in instructions, the
/// others get their interrupts at exact instructions, the same in every run.
const COUNTED: [(&str, &str); 4] =
    [("cost", "shift=0"), ("c_storm", "shift=4"), ("c_storm_locked", "shift=4"), ("c_storm_full", "shift=4")];
/// The files of the dump and of the console, in the firmware's folder.
pub(super) const DUMP: &str = "firmware.memtrack";
const CONSOLE: &str = "console.txt";
/// The pause between two looks at a file.
pub(crate) const POLL: Duration = Duration::from_millis(20);
/// A program that runs longer hangs.
const PATIENCE: Duration = Duration::from_secs(120);

/// QEMU.
pub(crate) struct Qemu {
    /// The folder below which it is unpacked; `None` when it is installed.
    prefix: Option<PathBuf>,
}

/// The target of the console.
#[derive(Clone, Copy)]
pub(crate) enum Console {
    /// A file in the firmware's folder.
    File,
    /// QEMU's standard output.
    Piped,
}

/// The output of a run.
pub(crate) struct Output {
    /// The program reports success.
    pub(crate) ok: bool,
    pub(crate) console: String,
    /// The dump's file, and its length.
    pub(crate) dump: PathBuf,
    pub(crate) bytes: u64,
}

impl Qemu {
    pub(crate) fn find() -> Result<Self> {
        let needed = [PROGRAM, "qemu-system-x86_64", "qemu-system-aarch64"];
        if needed.iter().all(|program| tool::which(program).is_some()) {
            return Ok(Qemu { prefix: None });
        }
        Ok(Qemu { prefix: Some(debian::unpacked("qemu", &PACKAGES, "")?) })
    }

    fn command(&self, system: &str) -> Result<Command> {
        let program = format!("qemu-system-{system}");
        let Some(prefix) = &self.prefix else { return Ok(Command::new(program)) };
        let mut command = Command::new(prefix.join("usr/bin").join(program));
        command.env("LD_LIBRARY_PATH", debian::library_path(prefix)?);
        for folder in ["qemu", "seabios"] {
            command.arg("-L").arg(prefix.join("usr/share").join(folder));
        }
        Ok(command)
    }

    /// Runs a firmware to its end.
    pub(crate) fn run(&self, board: &Board, program: &str, firmware: &Firmware) -> Result<Output> {
        let folder = firmware.folder();
        let status = wait(&mut self.start(board, program, firmware, Console::File, &[])?, &folder)?;
        let (dump, console) = (folder.join(DUMP), folder.join(CONSOLE));
        Ok(Output {
            ok: status.code() == Some(board.good),
            console: String::from_utf8_lossy(&fs::read(&console).unwrap_or_default()).into_owned(),
            bytes: fs::metadata(&dump).map_or(0, |dump| dump.len()),
            dump,
        })
    }

    /// Starts a firmware, with more arguments for QEMU.
    pub(crate) fn start(
        &self,
        board: &Board,
        program: &str,
        firmware: &Firmware,
        to: Console,
        more: &[&str],
    ) -> Result<Child> {
        let folder = firmware.folder();
        let (dump, console) = (folder.join(DUMP), folder.join(CONSOLE));
        for old in [&dump, &console] {
            if old.exists() {
                fs::remove_file(old)?;
            }
        }
        let mut qemu = self.command(board.system)?;
        qemu.args(["-display", "none", "-nodefaults", "-no-reboot"]).args(board.arguments);
        if let Some((_, shift)) = COUNTED.iter().find(|(counted, _)| *counted == program) {
            qemu.args(["-icount", shift]);
        }
        match to {
            Console::File => qemu.arg("-serial").arg(format!("file:{}", console.display())),
            Console::Piped => qemu.args(["-serial", "stdio"]),
        };
        match board.way_out {
            WayOut::Serial => qemu.arg("-serial").arg(format!("file:{}", dump.display())),
            WayOut::Semihosting => qemu.args(["-semihosting-config", "enable=on,target=native"]),
        };
        qemu.arg("-kernel").arg(firmware.elf()).current_dir(&folder);
        let said = fs::File::create(folder.join("qemu.txt"))?;
        let output = match to {
            Console::File => said.try_clone()?.into(),
            Console::Piped => Stdio::piped(),
        };
        qemu.stdin(Stdio::null()).stdout(output).stderr(said);
        qemu.args(more).spawn().context("cannot start QEMU")
    }
}

/// Waits for a program's end.
pub(crate) fn wait(program: &mut Child, folder: &Path) -> Result<ExitStatus> {
    watchdog::wait(program, PATIENCE).with_context(|| format!("its output is in {}", folder.display()))
}
