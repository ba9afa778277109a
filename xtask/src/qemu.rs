//! `cargo xtask qemu`: every program under `examples/firmware`, built for its targets, run in QEMU, and what comes out
//! of it compared with what is expected: the console, and the folded stacks of its dump.

mod board;
mod expected;
mod firmware;
mod hostile;
mod machine;

use anyhow::{Context, Result, ensure};

use crate::suite::{self, Suite, Verdict};
use crate::toolchain::Toolchain;
pub(crate) use board::{BOARDS, Board};
use expected::Expected;
pub(crate) use firmware::Firmware;
use machine::Qemu;

/// One suite for each board.
pub(crate) fn suites() -> Vec<Suite> {
    make(Expected::Compare)
}

/// Writes the files that the suites compare with.
pub(crate) fn bless() -> Result<bool> {
    suite::run_all(make(Expected::Write), &[])
}

fn make(expected: Expected) -> Vec<Suite> {
    let suite = |board: &'static Board| {
        Suite::skippable(format!("firmware: {}", board.name), move || run(board, expected))
    };
    BOARDS.iter().map(suite).collect()
}

/// Builds and runs all programs of a board, and prints its line.
fn run(board: &Board, expected: Expected) -> Result<Verdict> {
    let toolchain = match Toolchain::for_target(board.target)? {
        Ok(toolchain) => toolchain,
        Err(missing) => return Ok(Verdict::Skipped(missing)),
    };
    let qemu = match Qemu::find()? {
        Ok(qemu) => qemu,
        Err(missing) => return Ok(Verdict::Skipped(missing)),
    };
    let result = all_programs(board, &toolchain, &qemu, expected);
    match &result {
        Ok(figures) => println!("{} ok {figures}", board.target),
        Err(error) => println!("{} FAIL {error:#}", board.target),
    }
    result.map(|_| Verdict::Passed)
}

/// The figures of the first program.
fn all_programs(board: &Board, toolchain: &Toolchain, qemu: &Qemu, expected: Expected) -> Result<String> {
    let mut figures = String::new();
    let mut first = None;
    for program in board.programs {
        let mut one = || -> Result<()> {
            let firmware = Firmware::build(board, toolchain, program)?;
            let output = qemu.run(board, program, &firmware)?;
            ensure!(output.ok, "it says that something went wrong:\n{}", output.console);
            expected.check(board, program, &firmware, &output)?;
            match &first {
                None => {
                    figures = firmware.figures(&output)?;
                    first = Some((firmware, output));
                }
                Some((first, dump)) => hostile::check(first, &firmware, dump)?,
            }
            Ok(())
        };
        one().with_context(|| format!("{program} on {}", board.name))?;
    }
    Ok(figures)
}
