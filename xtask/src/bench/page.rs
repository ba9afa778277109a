//! Puts the results where people read them: between two marks in a document whose other text stays as it is.

use std::fs;

use anyhow::{Context, Result};

use super::machine::Machine;
use super::table::Tables;
use crate::workspace;

const BEGIN: &str = "<!-- bench: written by `cargo xtask bench` -->\n";
const END: &str = "<!-- bench: end -->\n";

/// What a reader of the README has to know of the table.
const INTRODUCTION: &str = "\
CPU time, as a ratio to the same program on the system allocator: a tight loop of allocations about 24 frames deep (W1), JSON
parsed and written (W2), 2 and 8 threads that free each other's blocks (W3), a million live blocks (W4), and the example.
";

pub(crate) fn write(machine: &Machine, tables: &Tables) -> Result<()> {
    replace_in("docs/performance.md", &format!("Measured on {machine}.\n\n{tables}"))?;
    let short = tables.cpu.of(&["memtrack", "memtrack, counters only", "heaptrack", "dhat"]);
    replace_in("README.md", &format!("{INTRODUCTION}\n{short}\nMeasured on {machine}.\n"))
}

fn replace_in(file: &str, text: &str) -> Result<()> {
    let path = workspace::root().join(file);
    let page = fs::read_to_string(&path).with_context(|| format!("cannot read {file}"))?;
    match replaced(&page, text) {
        Some(page) => {
            fs::write(&path, page).with_context(|| format!("cannot write {file}"))?;
            println!("wrote {file}");
        }
        None => println!("{file} has no place for the table: put these two lines there\n{BEGIN}{END}"),
    }
    Ok(())
}

/// The page with `text` between the marks, if it has them.
fn replaced(page: &str, text: &str) -> Option<String> {
    let (before, rest) = page.split_once(BEGIN)?;
    let (_, after) = rest.split_once(END)?;
    Some(format!("{before}{BEGIN}\n{text}\n{END}{after}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_stands_between_the_marks_changes() {
        let page = format!("before\n{BEGIN}old\n{END}after\n");
        let new = replaced(&page, "new").unwrap();
        assert_eq!(new, format!("before\n{BEGIN}\nnew\n{END}after\n"));
        assert_eq!(replaced(&new, "new").unwrap(), new);
    }

    #[test]
    fn a_page_without_both_marks_stays() {
        assert_eq!(replaced("no marks", "text"), None);
        assert_eq!(replaced(BEGIN, "text"), None);
    }
}
