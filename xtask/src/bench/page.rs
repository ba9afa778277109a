//! Puts the results where people read them: between two marks in a document whose other text stays as it is.

use std::fs;

use anyhow::{Context, Result};

use super::machine::Machine;
use super::table::Tables;
use crate::workspace;

/// The lines before and after what one command writes.
struct Marks {
    begin: &'static str,
    end: &'static str,
}

const BENCH: Marks =
    Marks { begin: "<!-- bench: written by `cargo xtask bench` -->\n", end: "<!-- bench: end -->\n" };
const HOST: Marks =
    Marks { begin: "<!-- host: written by `cargo xtask bench host` -->\n", end: "<!-- host: end -->\n" };

/// What a reader of the README has to know of the table.
const INTRODUCTION: &str = "\
CPU time, as a ratio to the same program on the system allocator: a tight loop of allocations about 24 frames deep (W1), JSON
parsed and written (W2), 2 and 8 threads that free each other's blocks (W3), a million live blocks (W4), and the example.
";

pub(crate) fn write(machine: &Machine, tables: &Tables) -> Result<()> {
    replace_in("docs/performance.md", &BENCH, &format!("Measured on {machine}.\n\n{tables}"))?;
    let short = tables.cpu.of(&["memtrack", "memtrack, counters only", "heaptrack", "dhat"]);
    replace_in("README.md", &BENCH, &format!("{INTRODUCTION}\n{short}\nMeasured on {machine}.\n"))
}

pub(crate) fn write_host(text: &str) -> Result<()> {
    replace_in("docs/performance.md", &HOST, text)
}

fn replace_in(file: &str, marks: &Marks, text: &str) -> Result<()> {
    let path = workspace::root().join(file);
    let page = fs::read_to_string(&path).with_context(|| format!("cannot read {file}"))?;
    match replaced(&page, marks, text) {
        Some(page) => {
            fs::write(&path, page).with_context(|| format!("cannot write {file}"))?;
            println!("wrote {file}");
        }
        None => println!(
            "{file} has no place for the table: put these two lines there\n{}{}",
            marks.begin, marks.end
        ),
    }
    Ok(())
}

/// The page with `text` between the marks, if it has them.
fn replaced(page: &str, Marks { begin, end }: &Marks, text: &str) -> Option<String> {
    let (before, rest) = page.split_once(begin)?;
    let (_, after) = rest.split_once(end)?;
    Some(format!("{before}{begin}\n{text}\n{end}{after}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_stands_between_the_marks_changes() {
        let Marks { begin, end } = BENCH;
        let page = format!("before\n{begin}old\n{end}after\n");
        let new = replaced(&page, &BENCH, "new").unwrap();
        assert_eq!(new, format!("before\n{begin}\nnew\n{end}after\n"));
        assert_eq!(replaced(&new, &BENCH, "new").unwrap(), new);
    }

    #[test]
    fn a_page_without_both_marks_stays() {
        assert_eq!(replaced("no marks", &BENCH, "text"), None);
        assert_eq!(replaced(BENCH.begin, &BENCH, "text"), None);
    }
}
