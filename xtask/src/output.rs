//! Where suites print: to where this program prints, or into a file while another suite prints there.

use std::cell::RefCell;
use std::fmt::Display;
use std::fs::File;
use std::io::{Read, Seek, Write};
use std::process::Command;

use anyhow::Result;

thread_local! {
    static FILE: RefCell<Option<File>> = const { RefCell::new(None) };
}

/// What `action` returns, and what it and its programs print.
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
        // Like a closed terminal, a full disk is no reason for a suite to fail.
        Some(file) => drop(writeln!(file, "{text}")),
        None => println!("{text}"),
    });
}

/// Lets a program print where the suite prints that runs it.
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
    fn what_a_suite_and_its_programs_print_is_kept_in_order() {
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
