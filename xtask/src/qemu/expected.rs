//! The expected output of a firmware: files beside it, which only `cargo xtask bless` writes.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result, bail};

use super::board::Board;
use super::firmware::Firmware;
use super::machine::Output;
use crate::workspace;

/// Whether the files are compared or written.
#[derive(Clone, Copy)]
pub(crate) enum Expected {
    Compare,
    Write,
}

impl Expected {
    /// Checks the console, and the folded stacks if the program writes a dump.
    pub(crate) fn check(
        self,
        board: &Board,
        program: &str,
        firmware: &Firmware,
        output: &Output,
    ) -> Result<()> {
        self.file(board, program, "console.txt", &without_times(&output.console))?;
        if output.bytes > 0 {
            firmware.adds_up(&output.dump)?;
            for (name, options) in views(program) {
                let folded = firmware.folded(&output.dump, options)?;
                self.file(board, program, &format!("{name}.folded"), &folded)?;
            }
        }
        Ok(())
    }

    fn file(self, board: &Board, program: &str, name: &str, actual: &str) -> Result<()> {
        let path = path(board, program, name);
        match self {
            Expected::Write => {
                fs::create_dir_all(path.parent().context("a file stands in a folder")?)?;
                fs::write(&path, actual)?;
            }
            Expected::Compare => {
                let expected = fs::read_to_string(&path)
                    .with_context(|| format!("no {}: run `cargo xtask bless`", path.display()))?;
                if expected != actual {
                    bail!("{name} is not what {} says:\n{}", path.display(), difference(&expected, actual));
                }
            }
        }
        Ok(())
    }
}

/// The views of a dump, with the options for each. Where tasks preempt each other, the blocks at the peak differ from run to
/// run, but not the bytes that each task allocates.
fn views(program: &str) -> &'static [(&'static str, &'static [&'static str])] {
    match program {
        "tasks" | "c_tasks" | "c_listener" => &[("per-thread", &["--metric", "bytes", "--per-thread"])],
        // Whatever the interrupts hit differs with every build.
        "c_storm" | "c_storm_locked" | "c_storm_full" => &[],
        _ => &[("bytes", &["--metric", "bytes"]), ("peak", &["--metric", "peak"])],
    }
}

fn path(board: &Board, program: &str, name: &str) -> PathBuf {
    workspace::root().join("examples/firmware/expected").join(board.target).join(program).join(name)
}

/// The console without the parts that differ from run to run: durations at the ends of lines, and lines that begin with `#`.
fn without_times(console: &str) -> String {
    let mut text = String::new();
    for line in console.lines().filter(|line| !line.starts_with('#')) {
        let mut rest = line;
        while let Some(timed) = [" µs", " ms", " s"].iter().find_map(|unit| rest.strip_suffix(unit)) {
            let Some((before, _)) = timed.rsplit_once(' ') else { break };
            rest = before.trim_end();
        }
        text.push_str(rest.trim_end());
        text.push('\n');
    }
    text
}

/// The lines that only one of two texts has.
fn difference(expected: &str, actual: &str) -> String {
    let missing = expected.lines().filter(|line| !actual.lines().any(|other| other == *line));
    let more = actual.lines().filter(|line| !expected.lines().any(|other| other == *line));
    missing.map(|line| format!("-{line}\n")).chain(more.map(|line| format!("+{line}\n"))).collect()
}

#[cfg(test)]
mod tests {
    use super::{difference, without_times};

    #[test]
    fn durations_and_remarks_are_left_out() {
        let console = "stages by peak   time   peak at\n  parse   1   12.3 µs   1.5 ms\n# 17 ticks\n  filter   2   1.0 s\nready\n";
        assert_eq!(
            without_times(console),
            "stages by peak   time   peak at\n  parse   1\n  filter   2\nready\n"
        );
    }

    #[test]
    fn differing_lines_are_shown() {
        assert_eq!(difference("a\nb\n", "a\nc\n"), "-b\n+c\n");
    }
}
