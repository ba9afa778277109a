//! The end of `--help`.

use memtrack_host_tools::exit::Exit;

const EXAMPLES: &str = r#"Examples:
  memtrack-fold run.memtrack                       folded stacks of all bytes
  memtrack-fold run.memtrack -m peak -o peak.svg   flame graph of what was alive at the peak
  memtrack-fold run.memtrack -m peak -s parse      what stage "parse" held at its own peak
  memtrack-fold run.memtrack -o report.html        everything, for the browser
  memtrack-fold info run.memtrack                  what is in the dump, and what was lost
  memtrack-fold diff old.memtrack new.memtrack     what grew
  memtrack-fold merge run.*.memtrack -o all.memtrack
  memtrack-fold check run.memtrack --max-peak 64MiB
  memtrack-fold record -- ./program                a dump of a program that stays as it is

A dump called like a command is given as ./info."#;

/// Examples, and what scripts see.
pub fn examples_and_exit_codes() -> String {
    let code = |exit: Exit| format!("  {}  {}\n", exit.row().code, exit.row().meaning);
    format!("{EXAMPLES}\n\nExit codes:\n{}", Exit::ALL.map(code).concat())
}
