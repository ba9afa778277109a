//! A report for the terminal: the sum, the functions that count most, and the tree of calls.

use std::io::{self, Write};

use super::Style;
use crate::profile::{Flame, Profile, View};
use crate::units::percent;

/// Smaller frames are not shown in the tree of calls.
const MIN_PERCENT: f64 = 0.5;
/// Rows of the table of functions.
const TOP: usize = 30;

/// Writes the report.
///
/// # Errors
/// When `out` fails.
pub fn write(
    mut flame: Flame,
    profile: &Profile,
    view: &View,
    style: &Style,
    out: &mut dyn Write,
) -> io::Result<()> {
    let whole = flame.root().total;
    let title = style.title(profile, view, flame.root().total);
    writeln!(out, "{title}")?;
    if let Some(subtitle) = view.subtitle(profile) {
        writeln!(out, "{subtitle}")?;
    }
    writeln!(out, "total: {whole} {}", view.metric.unit())?;
    functions(&flame, view, whole, out)?;
    flame.prune(style.min_percent.unwrap_or(MIN_PERCENT));
    tree(&flame, view, whole, out)
}

fn functions(flame: &Flame, view: &View, whole: u64, out: &mut dyn Write) -> io::Result<()> {
    let functions = flame.functions();
    if functions.is_empty() {
        return Ok(());
    }
    writeln!(out, "\n{:>10} {:>6}  {:>10} {:>6}  function", "own", "", "with calls", "")?;
    for (name, own, total) in functions.iter().take(TOP) {
        writeln!(
            out,
            "{:>10} {:>6}  {:>10} {:>6}  {name}",
            view.metric.human(*own),
            percent(*own, whole),
            view.metric.human(*total),
            percent(*total, whole)
        )?;
    }
    if functions.len() > TOP {
        writeln!(out, "{:>36}  … and {} more", "", functions.len() - TOP)?;
    }
    Ok(())
}

fn tree(flame: &Flame, view: &View, whole: u64, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "\n{:>10} {:>6}  calls, outermost first", view.metric.unit(), "")?;
    flame.visit(|path, node| {
        let indent = "  ".repeat(path.len() - 1);
        let name = path.last().copied().unwrap_or_default();
        writeln!(
            out,
            "{:>10} {:>6}  {indent}{name}",
            view.metric.human(node.total),
            percent(node.total, whole)
        )?;
        Ok(())
    })
}
