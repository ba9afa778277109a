//! Writes the results into documents, between two marks. The other text of a document stays as it is.

use std::fs;

use anyhow::{Context, Result};

use super::machine::Machine;
use super::table::Tables;

/// A part of a document, between two marks, that a command writes.
pub(crate) struct Section {
    /// The command.
    pub(crate) name: &'static str,
    pub(crate) file: &'static str,
}

const BENCH: &str = "cargo xtask bench";
pub(crate) const HOST: &str = "cargo xtask bench host";
pub(crate) const PARTS: &str = "cargo xtask bench --micro";
pub(crate) const PRELOAD: &str = "cargo xtask bench --preload";
pub(crate) const PROFILE: &str = "cargo xtask bench --profile";
pub(crate) const SCALING: &str = "cargo xtask bench --scaling";

/// The explanation of the table in the README.
const INTRODUCTION: &str = "\
CPU time, as a ratio to the same program on the system allocator: a tight loop of allocations about 24 frames deep, by stacks in random order or in turn (W1), JSON
parsed and written (W2), 2 and 8 threads that free each other's blocks (W3), a million live blocks (W4), a million blocks that stay (growth), and four
programs: the example, a code counter, a search tool and an HTTP server.
";

pub(crate) fn write(machine: &Machine, tables: &Tables) -> Result<()> {
    let section = |file| Section { name: BENCH, file };
    section("docs/performance.md").write(&format!("Measured on {machine}.\n\n{tables}"))?;
    let short = tables.cpu.of(&["memtrack", "memtrack, counters only", "heaptrack", "dhat"]);
    section("README.md").write(&format!("{INTRODUCTION}\n{short}\nMeasured on {machine}.\n"))
}

impl Section {
    fn marks(&self) -> [String; 2] {
        let Self { name, .. } = self;
        [format!("<!-- written by `{name}` -->\n"), format!("<!-- end of `{name}` -->\n")]
    }

    fn write(&self, text: &str) -> Result<()> {
        let file = self.file;
        let page = fs::read_to_string(file).with_context(|| format!("cannot read {file}"))?;
        match self.replaced(&page, text) {
            Some(page) => {
                fs::write(file, page).with_context(|| format!("cannot write {file}"))?;
                println!("wrote {file}");
            }
            None => {
                println!("{file} has no place for it: put these two lines there\n{}", self.marks().concat());
            }
        }
        Ok(())
    }

    /// Writes the results of a complete run. Those of a quick run are not exact enough.
    pub(crate) fn write_unless(&self, quick: bool, text: &str) -> Result<()> {
        if quick {
            println!("{} is left alone: a quick run writes nothing.", self.file);
            return Ok(());
        }
        self.write(text)
    }

    /// The page with `text` between the marks, if it has them.
    fn replaced(&self, page: &str, text: &str) -> Option<String> {
        let [begin, end] = self.marks();
        let (before, rest) = page.split_once(&begin)?;
        let (_, after) = rest.split_once(&end)?;
        Some(format!("{before}{begin}\n{text}\n{end}{after}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECTION: Section = Section { name: BENCH, file: "" };

    #[test]
    fn only_the_text_between_the_marks_changes() {
        let [begin, end] = SECTION.marks();
        let page = format!("before\n{begin}old\n{end}after\n");
        let new = SECTION.replaced(&page, "new").unwrap();
        assert_eq!(new, format!("before\n{begin}\nnew\n{end}after\n"));
        assert_eq!(SECTION.replaced(&new, "new").unwrap(), new);
        // Each section has marks of its own.
        assert_eq!(Section { name: PARTS, file: "" }.replaced(&new, "new"), None);
    }

    #[test]
    fn a_page_without_both_marks_stays() {
        assert_eq!(SECTION.replaced("no marks", "text"), None);
        assert_eq!(SECTION.replaced(&SECTION.marks()[0], "text"), None);
    }
}
