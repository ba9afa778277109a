//! A debugger empties the rings of SEGGER's real-time transfer while the firmware writes its dump into them.

use std::ffi::OsStr;
use std::fs;

use anyhow::{Result, ensure};

use super::board::{BOARDS, Board};
use super::debugger::{DEBUGGER, Stopped};
use super::firmware::Firmware;
use super::hostile::DAMAGED;
use super::machine::Qemu;
use crate::suite::Suite;
use crate::toolchain::Toolchain;
use crate::{output, workspace};

const TARGET: &str = "thumbv7em-none-eabihf";
const PROGRAM: &str = "rtt";
/// The files of the channel that waits when its ring is full, and of the one that drops bytes.
const RINGS: [&str; 2] = ["rtt0.bin", "rtt1.bin"];
const ALL: [&str; 2] = ["--metric", "bytes"];

pub(crate) fn suites() -> impl Iterator<Item = Suite> {
    BOARDS.iter().filter(|board| board.target == TARGET).map(|board: &'static Board| {
        Suite::new(format!("RTT: {}", board.name), || run(board)).needing([(DEBUGGER, DEBUGGER)])
    })
}

fn run(board: &Board) -> Result<()> {
    let (toolchain, qemu) = (Toolchain::for_target(board.target)?, Qemu::find()?);
    let firmware = Firmware::build(board, &toolchain, PROGRAM)?;
    let folder = firmware.folder();
    for ring in RINGS {
        if folder.join(ring).exists() {
            fs::remove_file(folder.join(ring))?;
        }
    }
    let script = workspace::root().join("examples/firmware/rtt.py");
    let machine = Stopped::start(&qemu, board, PROGRAM, &firmware)?;
    let dump = machine.debug(board, &firmware, &[OsStr::new("-x"), script.as_os_str()])?;

    let sent = firmware.folded(&dump, &ALL)?;
    let [waits, skips] = RINGS.map(|ring| folder.join(ring));
    let waited = firmware.folded(&waits, &ALL)?;
    ensure!(waited == sent, "through the ring that waits:\n{waited}\nby the other way out:\n{sent}");
    let skipped = firmware.fold(&skips)?;
    let said = String::from_utf8_lossy(&skipped.stderr);
    ensure!(
        skipped.status.code() == Some(DAMAGED) && !said.is_empty(),
        "nothing says that a ring dropped bytes: {}\n{said}",
        skipped.status
    );
    let bytes = fs::metadata(waits)?.len();
    output::line(format_args!("{} ok {bytes} bytes through a ring", board.target));
    Ok(())
}
