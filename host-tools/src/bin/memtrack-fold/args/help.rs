//! The end of `--help`.

use memtrack_host_tools::exit::Exit;

const EXAMPLES: &str = r#"Examples:
  memtrack-fold run.memtrack                       folded stacks of all bytes
  memtrack-fold run.memtrack -m peak -o peak.svg   flame graph of the memory that was alive at the peak
  memtrack-fold run.memtrack -m peak -s parse      memory of stage "parse" at its own peak
  memtrack-fold run.memtrack -o report.html        everything, for the browser
  memtrack-fold info run.memtrack                  contents of the dump, and losses
  memtrack-fold diff old.memtrack new.memtrack     growth by function
  memtrack-fold merge run.*.memtrack -o all.memtrack
  memtrack-fold check run.memtrack --max-peak 64MiB
  memtrack-fold record -- ./program                runs an unchanged program, and leaves a dump

A dump with the name of a command needs a path: ./info"#;

/// Examples and exit codes.
pub fn examples_and_exit_codes() -> String {
    let code = |exit: Exit| format!("  {}  {}\n", exit.row().code, exit.row().meaning);
    format!("{EXAMPLES}\n\nExit codes:\n{}", Exit::ALL.map(code).concat())
}
