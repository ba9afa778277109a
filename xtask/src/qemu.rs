//! `cargo xtask qemu`: every program under `examples/firmware`, built for its targets, run in QEMU, and what comes out
//! of it compared with what is expected: the console, and the folded stacks of its dump.

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

use crate::suite::{Suite, Verdict};
use crate::toolchain::Toolchain;
use crate::{lanes, output};
pub(crate) use board::{BOARDS, Board};
use expected::Expected;
pub(crate) use firmware::Firmware;
use firmware::LIBUNWIND;
use gcc::Gcc;
use machine::Qemu;

/// One suite for each board, one for its programs in C, one for its memory as a debugger sees it, and those of the ways out.
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
        Suite::skippable(format!("firmware: {}", board.name), run)
    });
    let needs =
        [("clang++", "clang"), ("llvm-ar", "llvm")].map(|need| (need.0.to_owned(), need.1.to_owned()));
    let by_libunwind = BOARDS.iter().filter(|board| board.has_libunwind).map(move |board: &'static Board| {
        let run = move || run(board, " libunwind", &[LIBUNWIND], &Firmware::build, expected);
        let suite = Suite::skippable(format!("firmware with libunwind: {}", board.name), run);
        suite.needing(needs.iter().map(|(program, package)| (program, package)))
    });
    let has_c = |board: &&Board| !board.c_programs.is_empty();
    let in_c = BOARDS.iter().filter(has_c).map(|board: &'static Board| {
        Suite::skippable(format!("firmware in C: {}", board.name), move || match Gcc::find()? {
            Ok(gcc) => {
                let build = |board: &Board, toolchain: &Toolchain, program: &str| {
                    gcc.build(board, toolchain, program)
                };
                run(board, " C", board.c_programs, &build, expected)
            }
            Err(missing) => Ok(Verdict::Skipped(missing)),
        })
    });
    in_rust.chain(by_libunwind).chain(in_c).collect()
}

/// What builds a program for a board.
type Build<'b> = &'b dyn Fn(&Board, &Toolchain, &str) -> Result<Firmware>;

/// Builds and runs programs of a board, and prints its line, in which `what` tells them from others.
fn run(
    board: &Board,
    what: &str,
    programs: &[&str],
    build: Build<'_>,
    expected: Expected,
) -> Result<Verdict> {
    let toolchain = match Toolchain::for_target(board.target)? {
        Ok(toolchain) => toolchain,
        Err(missing) => return Ok(Verdict::Skipped(missing)),
    };
    let qemu = match Qemu::find()? {
        Ok(qemu) => qemu,
        Err(missing) => return Ok(Verdict::Skipped(missing)),
    };
    let build = |program: &str| build(board, &toolchain, program);
    let result = all_programs(board, programs, &build, &qemu, expected);
    match &result {
        Ok(figures) => output::line(format_args!("{}{what} ok {figures}", board.target)),
        Err(error) => output::line(format_args!("{}{what} FAIL {error:#}", board.target)),
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
