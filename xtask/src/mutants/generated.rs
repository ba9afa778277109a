//! `cargo xtask mutants --generated`: cargo-mutants changes every function a little, and the nearest tests run. A change that
//! survives is either no bug or not tested: somebody has to look.
//!
//! The first round runs the tests beside the code, which takes seconds. The second round tries only what survived, and runs the
//! suites across crates, whose programs have to be linked. A part still takes hours. So the user names a part, one file of it,
//! or a sample, and no other command runs this.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use super::tree::Tree;
use crate::{output, tool, watchdog};

const USAGE: &str = "cargo xtask mutants --generated [--sample K/N] [format|table|unwind][/FILE]…";
/// Seconds that one mutant's tests may take, or five times as long as they take without a mutant. Tests that take longer hang.
const TIMEOUT: &str = "20";
const BUILD_TIMEOUT: &str = "600";
/// No round takes longer.
const LIMIT: Duration = Duration::from_secs(48 * 60 * 60);

/// The code that is changed, and the tests that must find it.
struct Part {
    name: &'static str,
    folder: &'static str,
    /// Tests of the folder's package.
    own: &'static [&'static str],
    /// Suites across crates.
    suites: &'static [&'static str],
}

const PARTS: [Part; 3] = [
    Part {
        name: "format",
        folder: "format/src",
        own: &["--lib", "--test=format"],
        suites: &["format_independent", "specification", "images", "truncated"],
    },
    Part {
        name: "table",
        folder: "core/src/table",
        own: &["--lib"],
        suites: &["oracle", "figures", "regions", "equation"],
    },
    Part {
        name: "unwind",
        folder: "core/src/unwind",
        own: &["--lib"],
        suites: &["stacks", "odd_stacks", "losses", "compared"],
    },
];

/// Code that these tests do not run: that of other systems, processors and features, and what tests and models consist of.
const OTHERS: &[&str] = &[
    "core/src/table/models/**",
    "**/*bare.rs",
    "**/compared.rs",
    "**/exception_index.rs",
    "**/fuzz.rs",
    "**/js_stack.rs",
    "**/linked_tables.rs",
    "**/mini_backtrace.rs",
    "**/pdata.rs",
    "**/simulated.rs",
    "**/tests.rs",
    "**/tests/**",
];

/// What the user asks for.
struct Request<'a> {
    /// Every Nth mutant from the Kth on, as `K/N`.
    sample: Option<&'a str>,
    /// Parts, each with the pattern of its files.
    chosen: Vec<(&'static Part, String)>,
}

/// Runs parts, single files of them, or a sample. Returns whether nothing survived.
pub(super) fn run(arguments: &[&str]) -> Result<bool> {
    let request = Request::parse(arguments)?;
    let program = tool::installed("cargo-mutants")?;
    let tree = Tree::copy()?;
    let mut well = true;
    for (part, files) in &request.chosen {
        let rounds = Rounds { part, files, program: &program, tree: &tree };
        let first = rounds.own_tests(request.sample)?;
        let survivors = match first.missed.is_empty() {
            true => Vec::new(),
            false => rounds.suites(&first.missed)?,
        };
        output::line(summary(part.name, &first, &survivors));
        well &= survivors.is_empty();
    }
    Ok(well)
}

impl<'a> Request<'a> {
    fn parse(arguments: &[&'a str]) -> Result<Request<'a>> {
        let (sample, names) = match arguments {
            ["--sample", sample, names @ ..] => (Some(*sample), names),
            names => (None, names),
        };
        let names = if names.is_empty() { PARTS.map(|part| part.name).to_vec() } else { names.to_vec() };
        Ok(Request { sample, chosen: names.into_iter().map(choose).collect::<Result<_>>()? })
    }
}

/// A part and the files of it that are changed.
fn choose(name: &str) -> Result<(&'static Part, String)> {
    let (part, file) = name.split_once('/').unwrap_or((name, "**/*.rs"));
    let part = PARTS.iter().find(|other| other.name == part).context(USAGE)?;
    Ok((part, format!("{}/{file}", part.folder)))
}

/// The runs of cargo-mutants for a part.
struct Rounds<'a> {
    part: &'a Part,
    files: &'a str,
    program: &'a Path,
    tree: &'a Tree,
}

/// The names of mutants by what became of them.
struct Outcomes {
    caught: Vec<String>,
    /// The tests hung, which is caught, too.
    hung: Vec<String>,
    missed: Vec<String>,
    /// They do not compile.
    unviable: Vec<String>,
}

impl Rounds<'_> {
    /// Tries mutants with the package's own tests.
    fn own_tests(&self, sample: Option<&str>) -> Result<Outcomes> {
        let mut arguments: Vec<String> = self.part.own.iter().map(|test| to_cargo(test)).collect();
        if let Some(sample) = sample {
            arguments.extend(["--sharding=round-robin".to_owned(), format!("--shard={sample}")]);
        }
        self.run("own", &arguments)
    }

    /// Tries these mutants with the suites across crates. Returns those that survive.
    fn suites(&self, names: &[String]) -> Result<Vec<String>> {
        let suites = self.part.suites;
        self.tree.prepare(suites)?;
        let mut arguments: Vec<String> = vec![to_cargo("--package=memtrack-tests")];
        arguments.extend(suites.iter().map(|suite| to_cargo(&format!("--test={suite}"))));
        arguments.extend(names.iter().map(|name| format!("--re={}", exactly(name))));
        // Fields of structs are left out in all files, whatever the names: cargo-mutants 27 has no choice of them.
        let missed = self.run("suites", &arguments)?.missed;
        Ok(missed.into_iter().filter(|name| names.contains(name)).collect())
    }

    fn run(&self, round: &str, arguments: &[String]) -> Result<Outcomes> {
        let output = self.tree.target.with_file_name("generated").join(self.part.name).join(round);
        fs::create_dir_all(&output)?;
        let mut command = Command::new(self.program);
        command.args(["mutants", "--in-place", "--no-shuffle", "--level=error", "--profile=mutants"]);
        command.args(["--minimum-test-timeout", TIMEOUT, "--build-timeout", BUILD_TIMEOUT]);
        command.args(["--file", self.files]);
        OTHERS.iter().for_each(|other| _ = command.args(["--exclude", other]));
        // Tests under a condition of more than `test`.
        command.args(["--exclude-re", r"\btests::"]);
        command.arg("--output").arg(&output).args(arguments);
        command.current_dir(&self.tree.sources).env("CARGO_TARGET_DIR", &self.tree.target);
        let status = watchdog::wait(&mut command.spawn()?, LIMIT)?;
        // 0: all were caught. 2: some were missed. 3: some hung.
        match status.code() {
            Some(0 | 2 | 3) => Outcomes::read(&output.join("mutants.out")),
            _ => bail!("cargo-mutants: {status}"),
        }
    }
}

impl Outcomes {
    fn read(folder: &Path) -> Result<Outcomes> {
        let names = |list: &str| -> Result<Vec<String>> {
            let path = folder.join(list);
            let text = fs::read_to_string(&path).with_context(|| path.display().to_string())?;
            Ok(text.lines().map(str::to_owned).collect())
        };
        Ok(Outcomes {
            caught: names("caught.txt")?,
            hung: names("timeout.txt")?,
            missed: names("missed.txt")?,
            unviable: names("unviable.txt")?,
        })
    }
}

/// An argument of cargo, for the build, too. Otherwise every suite and every program would be linked for every mutant.
fn to_cargo(argument: &str) -> String {
    format!("--cargo-arg={argument}")
}

/// How many mutants were caught, and the names of those that were not.
fn summary(part: &str, first: &Outcomes, survivors: &[String]) -> String {
    let (caught, hung) = (first.caught.len(), first.hung.len());
    let by_suites = first.missed.len() - survivors.len();
    let (survive, unviable) = (survivors.len(), first.unviable.len());
    let mut text = format!(
        "{part}: {caught} caught by its own tests, {hung} hung, {by_suites} caught by suites across crates, \
         {survive} survive, {unviable} do not compile"
    );
    survivors.iter().for_each(|name| text += &format!("\nsurvives: {name}"));
    text
}

/// A regular expression for one name.
fn exactly(name: &str) -> String {
    let mut expression = String::from("^");
    for letter in name.chars() {
        if r"\.+*?()|[]{}^$".contains(letter) {
            expression.push('\\');
        }
        expression.push(letter);
    }
    expression + "$"
}

#[cfg(test)]
mod tests {
    use super::{Outcomes, PARTS, Request, choose, exactly, summary};
    use crate::workspace;

    #[test]
    fn a_part_or_a_file_of_it_is_chosen() {
        assert_eq!(choose("table").unwrap().1, "core/src/table/**/*.rs");
        assert_eq!(choose("table/index.rs").unwrap().1, "core/src/table/index.rs");
        assert!(choose("tables").is_err() && choose("").is_err());
        for part in &PARTS {
            assert!(workspace::root().join(part.folder).is_dir(), "{}", part.folder);
            for suite in part.suites {
                let file = workspace::root().join("tests/tests").join(suite).with_extension("rs");
                assert!(file.is_file(), "{}", file.display());
            }
        }
    }

    #[test]
    fn a_sample_is_asked_for_before_the_parts() {
        let request = Request::parse(&["--sample", "3/20", "table", "unwind/cfi.rs"]).unwrap();
        let parts: Vec<&str> = request.chosen.iter().map(|(part, _)| part.name).collect();
        assert_eq!((request.sample, parts), (Some("3/20"), vec!["table", "unwind"]));
        let all = Request::parse(&["--sample", "0/2"]).unwrap();
        assert_eq!((all.sample, all.chosen.len()), (Some("0/2"), PARTS.len()));
        assert_eq!(Request::parse(&[]).unwrap().sample, None);
        assert!(Request::parse(&["table", "--sample", "0/2"]).is_err());
    }

    #[test]
    fn the_expression_for_a_name_has_no_signs_of_its_own() {
        assert_eq!(
            exactly("a.rs:3:1: replace + with * in <T>::f"),
            r"^a\.rs:3:1: replace \+ with \* in <T>::f$"
        );
        assert_eq!(exactly("f -> Option<(u8, [u8; 2])>"), r"^f -> Option<\(u8, \[u8; 2\]\)>$");
    }

    #[test]
    fn a_mutant_that_the_second_round_catches_does_not_survive() {
        let names = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect::<Vec<_>>();
        let first = Outcomes {
            caught: names(&["a", "b", "c"]),
            hung: names(&["d"]),
            missed: names(&["e", "f"]),
            unviable: names(&["g"]),
        };
        assert_eq!(
            summary("table", &first, &names(&["f"])),
            "table: 3 caught by its own tests, 1 hung, 1 caught by suites across crates, 1 survive, 1 do not compile\nsurvives: f"
        );
    }
}
