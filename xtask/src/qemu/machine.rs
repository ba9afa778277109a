//! QEMU itself: found or fetched, and run.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};
use std::{fs, thread};

use anyhow::{Context, Result, bail};

use super::board::{Board, WayOut};
use super::firmware::Firmware;
use crate::{debian, tool, workspace};

const PACKAGES: [&str; 3] = ["qemu-system-arm", "qemu-system-misc", "qemu-system-x86"];
/// One of those that only this set of packages has.
const PROGRAM: &str = "qemu-system-riscv32";
/// The program that measures in instructions.
const COUNTED: &str = "cost";
/// Where the firmware's dump and its console go, in its folder.
pub(super) const DUMP: &str = "firmware.memtrack";
const CONSOLE: &str = "console.txt";
/// How often it is looked whether something has happened.
pub(crate) const POLL: Duration = Duration::from_millis(20);
/// A program that has not ended by then never will: firmware that hangs loops for ever.
const PATIENCE: Duration = Duration::from_secs(120);

/// Where QEMU is.
pub(crate) struct Qemu {
    /// Unpacked under this folder; `None` when it is installed.
    prefix: Option<PathBuf>,
}

/// Where the console goes.
#[derive(Clone, Copy)]
pub(crate) enum Console {
    /// A file in the firmware's folder.
    File,
    /// QEMU's standard output, for whoever started it.
    Piped,
}

/// What came out of a run.
pub(crate) struct Output {
    /// The program says that all went well.
    pub(crate) ok: bool,
    pub(crate) console: String,
    /// The dump's file, and its length.
    pub(crate) dump: PathBuf,
    pub(crate) bytes: u64,
}

impl Qemu {
    /// QEMU, or else a line on what would bring it.
    pub(crate) fn find() -> Result<Result<Self, String>> {
        let needed = [PROGRAM, "qemu-system-x86_64", "qemu-system-aarch64"];
        if needed.iter().all(|program| tool::which(program).is_some()) {
            return Ok(Ok(Qemu { prefix: None }));
        }
        let prefix = workspace::root().join("target/sysroots/qemu");
        if !prefix.exists() {
            if !debian::may_install() {
                return Ok(Err(format!("needs, as root, the Debian packages {}", PACKAGES.join(" "))));
            }
            debian::unpack(&prefix, &PACKAGES)?;
        }
        Ok(Ok(Qemu { prefix: Some(prefix) }))
    }

    fn command(&self, system: &str) -> Command {
        let program = format!("qemu-system-{system}");
        let Some(prefix) = &self.prefix else { return Command::new(program) };
        let mut command = Command::new(prefix.join("usr/bin").join(program));
        let libraries =
            ["usr/lib/x86_64-linux-gnu", "lib/x86_64-linux-gnu"].map(|folder| prefix.join(folder));
        // Joining fails only for paths with a colon, which the prefix of a checkout then would not work with either.
        command.env("LD_LIBRARY_PATH", std::env::join_paths(libraries).unwrap_or_default());
        for folder in ["qemu", "seabios"] {
            command.arg("-L").arg(prefix.join("usr/share").join(folder));
        }
        command
    }

    /// Runs a firmware to its end.
    pub(crate) fn run(&self, board: &Board, program: &str, firmware: &Firmware) -> Result<Output> {
        let folder = firmware.folder();
        let status = wait(self.start(board, program, firmware, Console::File, &[])?, &folder)?;
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
        let mut qemu = self.command(board.system);
        qemu.args(["-display", "none", "-nodefaults", "-no-reboot"]).args(board.arguments);
        if program == COUNTED {
            // The clock advances by a nanosecond an instruction.
            qemu.args(["-icount", "shift=0"]);
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

/// Waits for a program's end. One that hangs is ended.
pub(crate) fn wait(mut qemu: Child, folder: &Path) -> Result<ExitStatus> {
    let begun = Instant::now();
    loop {
        if let Some(status) = qemu.try_wait()? {
            return Ok(status);
        }
        if begun.elapsed() > PATIENCE {
            qemu.kill()?;
            qemu.wait()?;
            bail!("it hangs; what it said is in {}", folder.display());
        }
        thread::sleep(POLL);
    }
}
