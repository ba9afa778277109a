//! `cargo xtask qemu`: every program under `examples/firmware`, built for its targets, run in QEMU, and what comes out
//! of it compared with what is expected: the console, and the folded stacks of its dump.

mod board;
mod debugger;
mod expected;
mod firmware;
mod gcc;
mod hostile;
mod machine;

use anyhow::{Context, Result, ensure};

use crate::suite::{self, Suite, Verdict};
use crate::toolchain::Toolchain;
pub(crate) use board::{BOARDS, Board};
use expected::Expected;
pub(crate) use firmware::Firmware;
use gcc::Gcc;
use machine::Qemu;

/// One suite for each board, one for its programs in C, and one for its memory as a debugger sees it.
pub(crate) fn suites() -> Vec<Suite> {
    let mut suites = make(Expected::Compare);
    suites.extend(debugger::suites());
    suites
}

/// Writes the files that the suites compare with.
pub(crate) fn bless(names: &[&str]) -> Result<bool> {
    suite::run_all(make(Expected::Write), names)
}

fn make(expected: Expected) -> Vec<Suite> {
    let in_rust = BOARDS.iter().map(|board: &'static Board| {
        Suite::skippable(format!("firmware: {}", board.name), move || run(board, None, expected))
    });
    let has_c = |board: &&Board| !board.c_programs.is_empty();
    let in_c = BOARDS.iter().filter(has_c).map(|board: &'static Board| {
        Suite::skippable(format!("firmware in C: {}", board.name), move || match Gcc::find()? {
            Ok(gcc) => run(board, Some(&gcc), expected),
            Err(missing) => Ok(Verdict::Skipped(missing)),
        })
    });
    in_rust.chain(in_c).collect()
}

/// Builds and runs all programs of a board, those in C when there is a compiler for them, and prints its line.
fn run(board: &Board, gcc: Option<&Gcc>, expected: Expected) -> Result<Verdict> {
    let toolchain = match Toolchain::for_target(board.target)? {
        Ok(toolchain) => toolchain,
        Err(missing) => return Ok(Verdict::Skipped(missing)),
    };
    let qemu = match Qemu::find()? {
        Ok(qemu) => qemu,
        Err(missing) => return Ok(Verdict::Skipped(missing)),
    };
    let programs = if gcc.is_some() { board.c_programs } else { board.programs };
    let build = |program: &str| match gcc {
        Some(gcc) => gcc.build(board, &toolchain, program),
        None => Firmware::build(board, &toolchain, program),
    };
    let result = all_programs(board, programs, &build, &qemu, expected);
    let language = if gcc.is_some() { " C" } else { "" };
    match &result {
        Ok(figures) => println!("{}{language} ok {figures}", board.target),
        Err(error) => println!("{}{language} FAIL {error:#}", board.target),
    }
    result.map(|_| Verdict::Passed)
}

/// The figures of the first program.
fn all_programs(
    board: &Board,
    programs: &[&str],
    build: &dyn Fn(&str) -> Result<Firmware>,
    qemu: &Qemu,
    expected: Expected,
) -> Result<String> {
    let mut figures = String::new();
    let mut first = None;
    for program in programs {
        let mut one = || -> Result<()> {
            let firmware = build(program)?;
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
