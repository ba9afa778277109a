//! Puts the results where people read them: between two marks in a document whose other text stays as it is.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};

use super::machine::Machine;
use super::table::Tables;

const BEGIN: &str = "<!-- bench: written by `cargo xtask bench` -->\n";
const END: &str = "<!-- bench: end -->\n";

pub(crate) fn write(machine: &Machine, tables: &Tables) -> Result<()> {
    let full = format!("Measured on {machine}.\n\n{tables}");
    replace_in(Path::new("docs/performance.md"), &full)?;
    let short = tables.cpu.of(&["memtrack", "memtrack, counters only", "heaptrack", "dhat"]);
    replace_in(Path::new("README.md"), &format!("{short}\n{machine}.\n"))
}

fn replace_in(path: &Path, text: &str) -> Result<()> {
    let page = fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    let page = replaced(&page, text).with_context(|| format!("in {}", path.display()))?;
    fs::write(path, page).with_context(|| format!("cannot write {}", path.display()))?;
    println!("wrote {}", path.display());
    Ok(())
}

/// The page with `text` between the marks.
fn replaced(page: &str, text: &str) -> Result<String> {
    let parts = page.split_once(BEGIN).and_then(|(before, rest)| Some((before, rest.split_once(END)?.1)));
    let Some((before, after)) = parts else {
        bail!("there is no place for the table: put these two lines there\n{BEGIN}{END}");
    };
    Ok(format!("{before}{BEGIN}\n{text}\n{END}{after}"))
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
    fn a_page_without_marks_is_refused() {
        assert!(replaced("no marks", "text").unwrap_err().to_string().contains(BEGIN));
    }
}
