//! A debugger that is attached to QEMU saves the tracker's memory when the firmware has done its work. The host reads the same
//! from it as from the dump that the firmware writes.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::{fs, thread};

use anyhow::{Context, Result, ensure};

use super::board::{BOARDS, Board};
use super::firmware::Firmware;
use super::machine::{Console, DUMP, POLL, Qemu, wait};
use crate::output;
use crate::suite::Suite;
use crate::toolchain::Toolchain;

pub(super) const DEBUGGER: &str = "gdb-multiarch";
/// The board on which nobody has run this yet.
const UNTRIED: &str = "aarch64-unknown-none";
const PROGRAM: &str = "sensor";
/// The socket at which QEMU waits for the debugger. It is in the firmware's folder: the path of a socket must be short.
const SOCKET: &str = "debugger.socket";
const IMAGE: &str = "image.raw";

/// One suite for each of the boards.
pub(crate) fn suites() -> impl Iterator<Item = Suite> {
    BOARDS.iter().filter(|board| board.target != UNTRIED).map(|board: &'static Board| {
        Suite::new(format!("memory image: {}", board.name), || run(board)).needing([(DEBUGGER, DEBUGGER)])
    })
}

fn run(board: &Board) -> Result<()> {
    let (toolchain, qemu) = (Toolchain::for_target(board.target)?, Qemu::find()?);
    let firmware = Firmware::build(board, &toolchain, PROGRAM)?;
    let output = qemu.run(board, PROGRAM, &firmware)?;
    ensure!(output.ok, "it says that something went wrong:\n{}", output.console);
    let folder = firmware.folder();
    save(&qemu, board, &firmware, &folder)?;
    for metric in ["bytes", "peak", "allocs", "live"] {
        let (image, dump) = (
            firmware.folded(&folder.join(IMAGE), &["-m", metric])?,
            firmware.folded(&output.dump, &["-m", metric])?,
        );
        ensure!(image == dump, "{metric} of the memory image:\n{image}\nof the dump:\n{dump}");
    }
    let bytes = fs::metadata(folder.join(IMAGE))?.len();
    output::line(format_args!("{} ok {bytes} bytes of memory", board.target));
    Ok(())
}

/// A machine that waits for a debugger.
pub(super) struct Stopped {
    machine: Child,
    dump: PathBuf,
}

impl Stopped {
    /// Starts it.
    pub(super) fn start(qemu: &Qemu, board: &Board, program: &str, firmware: &Firmware) -> Result<Self> {
        let folder = firmware.folder();
        if folder.join(SOCKET).exists() {
            fs::remove_file(folder.join(SOCKET))?;
        }
        let server = format!("unix:path={SOCKET},server=on,wait=off");
        let mut machine = qemu.start(board, program, firmware, Console::File, &["-S", "-gdb", &server])?;
        while !folder.join(SOCKET).exists() {
            ensure!(machine.try_wait()?.is_none(), "QEMU ends; what it said is in {}", folder.display());
            thread::sleep(POLL);
        }
        Ok(Stopped { machine, dump: folder.join(DUMP) })
    }

    /// Has a debugger run the program to its end, and then take the commands of `more`.
    pub(super) fn debug(mut self, board: &Board, firmware: &Firmware, more: &[&OsStr]) -> Result<PathBuf> {
        let folder = firmware.folder();
        let said = fs::File::create(folder.join("debugger.txt"))?;
        let mut debugger = Command::new(DEBUGGER);
        debugger.args(["-nx", "-batch"]).arg(firmware.elf()).current_dir(&folder);
        debugger.arg("-ex").arg(format!("target remote {SOCKET}"));
        debugger.arg("-ex").arg(format!("tbreak {}", board.last_function())).args(more);
        debugger.stdin(Stdio::null()).stdout(said.try_clone()?).stderr(said);
        let mut debugger = debugger.spawn().context("cannot start the debugger")?;
        let debugged = wait(&mut debugger, &folder);
        // The debugger does not end the machine.
        self.machine.kill()?;
        self.machine.wait()?;
        ensure!(debugged?.success(), "the debugger fails; what it said is in {}", folder.display());
        Ok(self.dump)
    }
}

/// Runs the firmware to its end, and saves the tables.
fn save(qemu: &Qemu, board: &Board, firmware: &Firmware, folder: &Path) -> Result<()> {
    if folder.join(IMAGE).exists() {
        fs::remove_file(folder.join(IMAGE))?;
    }
    // The fourth word of an image is its size, debug information or not.
    let region = board.region;
    let save = format!("dump binary memory {IMAGE} &{region} (char *)&{region} + ((unsigned *)&{region})[3]");
    let commands = ["-ex", "continue", "-ex", "set language c", "-ex", &save, "-ex", "disconnect"];
    let machine = Stopped::start(qemu, board, PROGRAM, firmware)?;
    machine.debug(board, firmware, &commands.map(OsStr::new))?;
    Ok(())
}
