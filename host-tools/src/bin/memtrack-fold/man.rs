//! `memtrack-fold man`.

use std::path::Path;

use clap::{Command, CommandFactory};
use clap_mangen::Man;
use memtrack_host_tools::exit::Exit;
use memtrack_host_tools::{Error, output};

use crate::args::Cli;
use crate::outcome::Outcome;

pub fn run(dir: Option<&Path>) -> Outcome {
    let mut program = Cli::command();
    program.build();
    match dir {
        None => page(program, None)?,
        Some(dir) => {
            for command in program.get_subcommands().filter(|command| command.get_name() != "help") {
                let name = format!("memtrack-fold-{}.1", command.get_name());
                page(command.clone(), Some(&dir.join(name)))?;
            }
            page(program, Some(&dir.join("memtrack-fold.1")))?;
        }
    }
    Ok(Exit::Done)
}

fn page(command: Command, path: Option<&Path>) -> Result<(), Error> {
    output::write(path, |out| Ok(Man::new(command).render(out)))
}
