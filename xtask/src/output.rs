//! The output of suites: it goes to the output of this program, or into a file while another suite prints there.

use std::cell::RefCell;
use std::fmt::Display;
use std::fs::File;
use std::io::{Read, Seek, Write};
use std::process::Command;

use anyhow::Result;

thread_local! {
    static FILE: RefCell<Option<File>> = const { RefCell::new(None) };
}

/// Runs `action`. Returns its result, and the text that it and its programs print.
pub(crate) fn keep<T>(action: impl FnOnce() -> T) -> Result<(T, String)> {
    let mut file = tempfile::tempfile()?;
    FILE.set(Some(file.try_clone()?));
    let result = action();
    FILE.set(None);
    let mut printed = Vec::new();
    file.rewind()?;
    file.read_to_end(&mut printed)?;
    Ok((result, String::from_utf8_lossy(&printed).into_owned()))
}

/// Prints a line.
pub(crate) fn line(text: impl Display) {
    FILE.with_borrow_mut(|file| match file {
        // A suite does not fail because the disk is full.
        Some(file) => drop(writeln!(file, "{text}")),
        None => println!("{text}"),
    });
}

/// Connects a program to the output of the suite that runs it.
pub(crate) fn connect(command: &mut Command) -> Result<()> {
    FILE.with_borrow(|file| {
        if let Some(file) = file {
            command.stdout(file.try_clone()?).stderr(file.try_clone()?);
        }
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::{keep, line};
    use crate::tool;

    #[test]
    fn the_output_of_a_suite_and_its_programs_stays_in_order() {
        let (result, printed) = keep(|| {
            line("before");
            tool::run(Command::new("sh").args(["-c", "echo out; echo err >&2"])).unwrap();
            line("after");
            7
        })
        .unwrap();
        assert_eq!((result, printed.as_str()), (7, "before\nout\nerr\nafter\n"));
    }
}
