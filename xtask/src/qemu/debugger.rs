//! A debugger attached to QEMU saves the tracker's memory when the firmware has done its work. The host reads the same
//! from it as from the dump that the firmware wrote itself.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::{fs, thread};

use anyhow::{Context, Result, ensure};

use super::board::{BOARDS, Board};
use super::firmware::Firmware;
use super::machine::{Console, DUMP, POLL, Qemu, wait};
use crate::output;
use crate::suite::{Suite, Verdict};
use crate::toolchain::Toolchain;

pub(super) const DEBUGGER: &str = "gdb-multiarch";
/// The board on which this has not been run yet.
const UNTRIED: &str = "aarch64-unknown-none";
const PROGRAM: &str = "sensor";
/// Where QEMU waits for the debugger. In the firmware's folder: the path of a socket must be short.
const SOCKET: &str = "debugger.socket";
const IMAGE: &str = "image.raw";

/// One suite for each of the boards.
pub(crate) fn suites() -> impl Iterator<Item = Suite> {
    let needs = (DEBUGGER.to_string(), DEBUGGER.to_string());
    BOARDS.iter().filter(|board| board.target != UNTRIED).map(move |board: &'static Board| {
        let suite = Suite::skippable(format!("memory image: {}", board.name), move || run(board));
        suite.needing([(&needs.0, &needs.1)].into_iter())
    })
}

fn run(board: &Board) -> Result<Verdict> {
    let (toolchain, qemu) = match (Toolchain::for_target(board.target)?, Qemu::find()?) {
        (Ok(toolchain), Ok(qemu)) => (toolchain, qemu),
        (Err(missing), _) | (_, Err(missing)) => return Ok(Verdict::Skipped(missing)),
    };
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
    Ok(Verdict::Passed)
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

    /// Lets a debugger run the program until it ends, and then what `more` tells it.
    pub(super) fn debug(mut self, board: &Board, firmware: &Firmware, more: &[&OsStr]) -> Result<PathBuf> {
        let folder = firmware.folder();
        let said = fs::File::create(folder.join("debugger.txt"))?;
        let mut debugger = Command::new(DEBUGGER);
        debugger.args(["-nx", "-batch"]).arg(firmware.elf()).current_dir(&folder);
        debugger.arg("-ex").arg(format!("target remote {SOCKET}"));
        debugger.arg("-ex").arg(format!("tbreak {}", board.last_function())).args(more);
        debugger.stdin(Stdio::null()).stdout(said.try_clone()?).stderr(said);
        let debugged =
            debugger.spawn().context("cannot start the debugger").and_then(|child| wait(child, &folder));
        // The debugger leaves the machine standing.
        self.machine.kill()?;
        self.machine.wait()?;
        ensure!(debugged?.success(), "the debugger fails; what it said is in {}", folder.display());
        Ok(self.dump)
    }
}

/// Runs the firmware until it ends, and saves the tables then.
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
