//! What `memtrack-fold` makes of a dump.

use std::path::Path;

use crate::program;

/// Folded stacks.
pub struct Folded {
    stacks: Vec<(String, u64)>,
}

/// Folds a dump that has to be whole. Warnings are failures, but for those of losses and of names that the machine's
/// own libraries keep for themselves.
///
/// # Panics
/// When the program fails or warns.
#[must_use]
pub fn fold(dump: &Path, options: &[&str]) -> Folded {
    let dump = dump.to_str().expect("a path that is text");
    let output = program::output(&program::of_workspace("memtrack-fold"), &[&[dump], options].concat(), &[]);
    let said = String::from_utf8_lossy(&output.stderr);
    let harmless = |line: &str| line.starts_with("warning: lost") || line.contains("without a name");
    assert!(output.status.success() && said.lines().all(harmless), "{}: {said}", output.status);
    let text = String::from_utf8(output.stdout).expect("folded stacks are text");
    let stack = |line: &str| {
        let (stack, count) = line.rsplit_once(' ').expect("a stack and a count");
        (stack.to_owned(), count.parse().expect("a count"))
    };
    Folded { stacks: text.lines().map(stack).collect() }
}

impl Folded {
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
