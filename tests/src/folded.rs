//! The output of `memtrack-fold`.

use std::path::Path;

use crate::program;

/// Folded stacks.
pub struct Folded {
    stacks: Vec<(String, u64)>,
}

/// Folds a dump that must be complete. A warning is a failure, except for warnings about losses and about functions
/// of the system's own libraries that have no name.
///
/// # Panics
/// When the program fails or warns.
#[must_use]
pub fn fold(dump: &Path, options: &[&str]) -> Folded {
    fold_with(dump, options, "")
}

/// Folds a dump that was taken while other threads were in the middle of an event. The warning that its figures do
/// not add up is accepted.
#[must_use]
pub fn fold_in_motion(dump: &Path, options: &[&str]) -> Folded {
    fold_with(
        dump,
        options,
        "warning: figures do not add up, which can happen if threads run while the dump is taken",
    )
}

fn fold_with(dump: &Path, options: &[&str], allowed: &str) -> Folded {
    let dump = dump.to_str().expect("a path that is text");
    let output = program::output(&program::of_workspace("memtrack-fold"), &[&[dump], options].concat(), &[]);
    let said = String::from_utf8_lossy(&output.stderr);
    let harmless = |line: &str| {
        let is_allowed = !allowed.is_empty() && line.starts_with(allowed);
        line.starts_with("warning: lost") || line.contains("without a name") || is_allowed
    };
    assert!(output.status.success() && said.lines().all(harmless), "{}: {said}", output.status);
    Folded::parse(&String::from_utf8(output.stdout).expect("folded stacks are text"))
}

impl Folded {
    /// The stacks in the output of `memtrack-fold`.
    ///
    /// # Panics
    /// When a line is not a stack with its count.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let stack = |line: &str| {
            let (stack, count) = line.rsplit_once(' ').expect("a stack and a count");
            (stack.to_owned(), count.parse().expect("a count"))
        };
        Folded { stacks: text.lines().map(stack).collect() }
    }

    /// The chains of calls of the program `everywhere`, by their count: the lines of the expectation.
    #[must_use]
    pub fn chains(&self) -> Vec<String> {
        let chain = |(frames, bytes): (Vec<&str>, u64)| {
            let own = frames.iter().filter_map(|frame| frame.strip_prefix("everywhere::chains::"));
            let chain: Vec<&str> = own.filter(|name| !name.starts_with("run")).collect();
            format!("{} {bytes}", chain.join(";"))
        };
        let mut chains: Vec<String> = self.stacks().map(chain).collect();
        chains.sort_by_key(|line| line.rsplit(' ').next().map(str::to_owned));
        chains
    }

    /// The sum of all counts.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.stacks.iter().map(|(_, count)| count).sum()
    }

    /// All stacks with their counts.
    pub fn stacks(&self) -> impl Iterator<Item = (Vec<&str>, u64)> {
        self.stacks.iter().map(|(stack, count)| (stack.split(';').collect(), *count))
    }

    /// The sum of the counts under stacks with a frame called `name`.
    #[must_use]
    pub fn under(&self, name: &str) -> u64 {
        self.stacks().filter(|(frames, _)| frames.contains(&name)).map(|(_, count)| count).sum()
    }
}
