//! A debugger attached to QEMU saves the tracker's memory when the firmware has done its work. The host reads the same
//! from it as from the dump that the firmware wrote itself.

use std::path::Path;
use std::process::{Command, Stdio};
use std::{fs, thread};

use anyhow::{Context, Result, ensure};

use super::board::{BOARDS, Board};
use super::firmware::Firmware;
use super::machine::{POLL, Qemu, wait};
use crate::suite::{Suite, Verdict};
use crate::toolchain::Toolchain;

const DEBUGGER: &str = "gdb-multiarch";
/// The boards of which the debugger knows the processor, and whose tables are the default region.
const TARGETS: [&str; 2] = ["thumbv7em-none-eabihf", "riscv32imac-unknown-none-elf"];
const PROGRAM: &str = "sensor";
/// Where QEMU waits for the debugger. In the firmware's folder: the path of a socket must be short.
const SOCKET: &str = "debugger.socket";
const IMAGE: &str = "image.raw";
/// The fourth word of an image is its size, debug information or not.
const SAVE: &str = "dump binary memory image.raw &MEMTRACK_REGION (char *)&MEMTRACK_REGION + ((unsigned *)&MEMTRACK_REGION)[3]";

/// One suite for each of the boards.
pub(crate) fn suites() -> impl Iterator<Item = Suite> {
    let needs = (DEBUGGER.to_string(), DEBUGGER.to_string());
    BOARDS.iter().filter(|board| TARGETS.contains(&board.target)).map(move |board: &'static Board| {
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
        let (image, dump) =
            (firmware.folded(&folder.join(IMAGE), metric)?, firmware.folded(&output.dump, metric)?);
        ensure!(image == dump, "{metric} of the memory image:\n{image}\nof the dump:\n{dump}");
    }
    println!("{} ok {} bytes of memory", board.target, fs::metadata(folder.join(IMAGE))?.len());
    Ok(Verdict::Passed)
}

/// Runs the firmware until it ends, and saves the tables then.
fn save(qemu: &Qemu, board: &Board, firmware: &Firmware, folder: &Path) -> Result<()> {
    for old in [SOCKET, IMAGE] {
        if folder.join(old).exists() {
            fs::remove_file(folder.join(old))?;
        }
    }
    let server = format!("unix:path={SOCKET},server=on,wait=off");
    let mut machine = qemu.start(board, PROGRAM, firmware, &["-S", "-gdb", &server])?;
    while !folder.join(SOCKET).exists() {
        ensure!(machine.try_wait()?.is_none(), "QEMU ends; what it said is in {}", folder.display());
        thread::sleep(POLL);
    }
    let said = fs::File::create(folder.join("debugger.txt"))?;
    let mut debugger = Command::new(DEBUGGER);
    debugger.args(["-nx", "-batch"]).arg(firmware.elf()).current_dir(folder);
    let target = format!("target remote {SOCKET}");
    for command in
        [&target, "tbreak board::semihosting::exit", "continue", "set language c", SAVE, "disconnect"]
    {
        debugger.args(["-ex", command]);
    }
    debugger.stdin(Stdio::null()).stdout(said.try_clone()?).stderr(said);
    let debugged =
        debugger.spawn().context("cannot start the debugger").and_then(|child| wait(child, folder));
    // The debugger leaves the machine standing.
    machine.kill()?;
    machine.wait()?;
    ensure!(debugged?.success(), "the debugger fails; what it said is in {}", folder.display());
    Ok(())
}
