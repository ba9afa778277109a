//! `cargo xtask qemu`: builds every program of `examples/firmware` for its targets, runs it in QEMU, and compares its console
//! and the folded stacks of its dump with expected files.

mod board;
mod debugger;
mod expected;
mod firmware;
mod gcc;
mod hostile;
mod line;
mod machine;
mod rtt;

use anyhow::{Context, Result, ensure};

use crate::suite::Suite;
use crate::toolchain::Toolchain;
use crate::{lanes, output};
pub(crate) use board::{BOARDS, Board};
use expected::Expected;
pub(crate) use firmware::Firmware;
use firmware::LIBUNWIND;
use gcc::Gcc;
use machine::Qemu;

/// The suites of each board: its programs, those with libunwind, those in C, its memory as a debugger sees it, and the ways of
/// a dump to the host.
pub(crate) fn suites() -> Vec<Suite> {
    let mut suites = make(Expected::Compare);
    suites.extend(debugger::suites());
    suites.extend(line::suites());
    suites.extend(rtt::suites());
    suites.into_iter().map(Suite::beside).collect()
}

/// Writes the files that the suites compare with.
pub(crate) fn bless(names: &[&str]) -> Result<bool> {
    lanes::run_all(make(Expected::Write), names)
}

fn make(expected: Expected) -> Vec<Suite> {
    let in_rust = BOARDS.iter().map(|board: &'static Board| {
        let run = move || run(board, "", board.programs, &Firmware::build, expected);
        Suite::new(format!("firmware: {}", board.name), run)
    });
    let by_libunwind = BOARDS.iter().filter(|board| board.has_libunwind).map(move |board: &'static Board| {
        let run = move || run(board, " libunwind", &[LIBUNWIND], &Firmware::build, expected);
        let suite = Suite::new(format!("firmware with libunwind: {}", board.name), run);
        suite.needing([("clang++", "clang"), ("llvm-ar", "llvm")])
    });
    let has_c = |board: &&Board| !board.c_programs.is_empty();
    let in_c = BOARDS.iter().filter(has_c).map(|board: &'static Board| {
        Suite::new(format!("firmware in C: {}", board.name), move || {
            let gcc = Gcc::find()?;
            let build =
                |board: &Board, toolchain: &Toolchain, program: &str| gcc.build(board, toolchain, program);
            run(board, " C", board.c_programs, &build, expected)
        })
    });
    in_rust.chain(by_libunwind).chain(in_c).collect()
}

/// A function that builds a program for a board.
type Build<'b> = &'b dyn Fn(&Board, &Toolchain, &str) -> Result<Firmware>;

/// Builds and runs programs of a board, and prints a line of them. `kind` follows the name of the target in it.
fn run(board: &Board, kind: &str, programs: &[&str], build: Build<'_>, expected: Expected) -> Result<()> {
    let (toolchain, qemu) = (Toolchain::for_target(board.target)?, Qemu::find()?);
    let build = |program: &str| build(board, &toolchain, program);
    let result = all_programs(board, programs, &build, &qemu, expected);
    match &result {
        Ok(figures) => output::line(format_args!("{}{kind} ok {figures}", board.target)),
        Err(error) => output::line(format_args!("{}{kind} FAIL {error:#}", board.target)),
    }
    result.map(drop)
}

/// Runs the programs. Returns the figures of the first.
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
