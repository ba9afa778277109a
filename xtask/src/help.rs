//! The help of all commands, and the part of it that belongs to one.

pub(crate) const USAGE: &str = "\
cargo xtask COMMAND

  check [NAME…]     formatting, lints, documentation, MSRV, hygiene, circles of imports, C header, lock files, workflows,
                    no_std; or those whose name has NAME in it
  test [NAME…]      all checks and all test suites, debug and release
  models            let loom and shuttle try the orders in which threads may run
  mutants [NAME…]   plant known bugs one at a time, and demand that the suites named for them fail
  mutants --generated [--sample K/N] [format|table|unwind][/FILE]…
                    let cargo-mutants change every function of that part a little, which takes hours; with --sample only every
                    Nth change, from the Kth on (counted from 0)
  fuzz [NAME…] [--seconds N]
                    arbitrary input to the targets of fuzz/, for N seconds each (60)
  soak [ROUNDS]     everything at once for long: threads, stages, resets, dumps; storms of threads, forks, signals, libraries
  demo              profile the example and draw its flame graphs into target/demo
  bless [NAME…]     write the files that suites compare with; or those of firmware whose name has NAME in it;
                    `bless binaries`: those of other systems that the host tool's suite reads
  header [--check]  write include/memtrack.h, or fail when it differs
  install [--prefix DIR]
                    headers, libraries and programs for C projects, found by pkg-config and CMake
  cross             check every crate for targets alone, for bare metal
  qemu [NAME…]      build the firmware under examples/firmware, run it in QEMU, and compare what comes out
  foreign [NAME…]   run a program on other processors in QEMU, and keep its dumps for the suite of that name
  platforms [NAME…] run the tracker's tests and one program on each platform: other C libraries and processors
  sizes             what the tracker adds to a firmware, into docs/embedded.md
  bench [--help]    measure what tracking costs beside other tools; its own help has more
  bench --platforms measure it on each platform that runs here, into docs/platforms.md
";

/// The text that the arguments ask for, if they do: the help of all commands, or that of the command before `--help` or `-h`.
/// The benchmarks have options of their own: their driver answers.
pub(crate) fn asked_for(arguments: &[&str]) -> Option<String> {
    match arguments {
        [] | ["help" | "--help" | "-h"] => Some(USAGE.to_owned()),
        ["bench", ..] => None,
        [command, options @ ..] if options.iter().any(|option| ["--help", "-h"].contains(option)) => {
            part_of(command)
        }
        _ => None,
    }
}

/// The lines of the help about a command. An entry begins two columns from the margin, and the lines below it are farther in.
fn part_of(command: &str) -> Option<String> {
    let mut is_part = false;
    let mut part = String::new();
    for line in USAGE.lines().skip(1) {
        if let Some(entry) = line.strip_prefix("  ").filter(|entry| !entry.starts_with(' ')) {
            is_part = entry.split(' ').next() == Some(command);
        }
        if is_part {
            part.push_str(line);
            part.push('\n');
        }
    }
    (!part.is_empty()).then(|| format!("cargo xtask COMMAND\n\n{part}"))
}

#[cfg(test)]
mod tests {
    use super::{USAGE, asked_for};

    #[test]
    fn a_command_answers_with_its_own_part() {
        let soak = asked_for(&["soak", "--help"]).unwrap();
        assert!(soak.contains("\n  soak [ROUNDS]     everything at once"), "{soak}");
        assert_eq!(soak.lines().count(), 3, "{soak}");
        let mutants = asked_for(&["mutants", "--generated", "format", "-h"]).unwrap();
        let first_words = |text: &str| {
            let entries = text.lines().skip(2).filter(|line| !line.starts_with("   "));
            entries.map(|line| line.split_whitespace().next().unwrap().to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(first_words(&mutants), ["mutants", "mutants"]);
        assert!(mutants.ends_with("from the Kth on (counted from 0)\n"), "{mutants}");
        // Every command that the help lists has a part.
        for command in first_words(USAGE).iter().filter(|command| *command != "bench") {
            let part = asked_for(&[command, "--help"]).unwrap();
            assert!(first_words(&part).iter().all(|first| first == command), "{part}");
        }
    }

    #[test]
    fn other_arguments_ask_for_no_help() {
        assert_eq!(asked_for(&[]).unwrap(), USAGE);
        assert_eq!(asked_for(&["--help"]).unwrap(), USAGE);
        for other in [&["soak", "7"][..], &["soak"], &["no-such-command", "-h"], &["bench", "--help"]] {
            assert_eq!(asked_for(other), None, "{other:?}");
        }
    }
}
