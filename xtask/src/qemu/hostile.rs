//! Accidents of a dump on its way: the wrong program, and a serial line that drops bytes and carries other text.

use std::fs;

use anyhow::{Result, ensure};

use super::firmware::Firmware;
use super::machine::Output;

/// memtrack-fold's exit status for a damaged dump of which it shows the rest.
pub(super) const DAMAGED: i32 = 3;
/// Bytes between two places. Each run drops the byte of another place.
const STEP: usize = 97;

/// `other` is a program that the dump is not of.
pub(crate) fn check(firmware: &Firmware, other: &Firmware, output: &Output) -> Result<()> {
    let refused = other.fold(&output.dump)?;
    let said = String::from_utf8_lossy(&refused.stderr);
    ensure!(
        refused.stdout.is_empty() && said.contains("is not the program of the dump: its build id is"),
        "a dump of another program is not refused:\n{said}"
    );

    let dump = fs::read(&output.dump)?;
    let path = firmware.folder().join("line.memtrack");
    let (mut runs, mut shown) = (0, 0);
    for dropped in (20..dump.len()).step_by(STEP) {
        let line =
            [b"boot 1.2\r\nready\r\n", &dump[..dropped], &dump[dropped + 1..], b"\r\nidle\r\n"].concat();
        fs::write(&path, line)?;
        let read = firmware.fold(&path)?;
        let said = String::from_utf8_lossy(&read.stderr);
        ensure!(
            read.status.code() == Some(DAMAGED) && said.contains("could not be read"),
            "a dump without byte {dropped} is not called damaged: {}\n{said}",
            read.status
        );
        runs += 1;
        shown += usize::from(!read.stdout.is_empty());
    }
    // Without the cells there is nothing to show, and they are a large part of so small a dump.
    ensure!(2 * shown >= runs, "of {runs} dumps from a bad line only {shown} are shown as far as they go");
    Ok(())
}
