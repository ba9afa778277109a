//! A report for the terminal: the sum, the functions with the largest figures, and the tree of calls. Or the callers and
//! callees of a function.

use std::io::{self, Write};

use regex::Regex;

use super::style::Style;
use crate::Error;
use crate::profile::{Around, Flame, Profile, View};
use crate::table::Table;
use crate::units::percent;

/// Frames below this share are not in the tree of calls.
const MIN_PERCENT: f64 = 0.5;
/// The default number of rows in the table of functions.
pub const TOP: usize = 30;

/// Writes the report.
///
/// # Errors
/// Returns an error if `out` fails.
pub fn write(
    mut flame: Flame,
    profile: &Profile,
    view: &View,
    style: &Style,
    out: &mut dyn Write,
) -> io::Result<()> {
    let whole = flame.root().total;
    head(whole, profile, view, style, out)?;
    functions(&flame, view, style.top.unwrap_or(TOP), out)?;
    flame.prune(style.min_percent.unwrap_or(MIN_PERCENT));
    flame.sort_by_size();
    tree(&flame, view, whole, out)
}

fn head(whole: u64, profile: &Profile, view: &View, style: &Style, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "{}", style.title(profile, view, whole))?;
    if let Some(subtitle) = style.subtitle(view.subtitle(profile)) {
        writeln!(out, "{subtitle}")?;
    }
    writeln!(out, "total: {whole} {}", view.metric.unit())
}

/// Writes the callers and callees of the functions whose names match. Both add up to the figure of the function. If it calls
/// itself, its outermost call counts.
///
/// # Errors
/// Returns an error if no function matches, with an [`io::Error`] inside if `out` fails.
pub fn peek(
    flame: &Flame,
    pattern: &Regex,
    profile: &Profile,
    view: &View,
    style: &Style,
    out: &mut dyn Write,
) -> Result<io::Result<()>, Error> {
    let found = flame.around(|name| pattern.is_match(name));
    if found.is_empty() {
        let names = flame.functions();
        return Err(Error::unknown("function", pattern.as_str(), names.iter().map(|row| row.0)));
    }
    let whole = flame.root().total;
    let written = head(whole, profile, view, style, out)
        .and_then(|()| found.iter().try_for_each(|one| around(one, view, whole, out)));
    Ok(written)
}

fn around(one: &Around<'_>, view: &View, whole: u64, out: &mut dyn Write) -> io::Result<()> {
    let mut table = Table::new(&[">", ">of it", ">of all", "", ""]);
    let mut row = |value: u64, what: &str, name: &str| {
        let [of_it, of_all] = [one.total, whole].map(|sum| percent(value, sum));
        table.row([view.metric.human(value), of_it, of_all, what.into(), name.into()]);
    };
    one.callers
        .iter()
        .for_each(|&(name, value)| row(value, "called by", name.unwrap_or("[no caller: outermost]")));
    row(one.total, "", one.name);
    if one.own > 0 {
        row(one.own, "itself", "");
    }
    one.callees.iter().for_each(|&(name, value)| row(value, "calls", name));
    write!(out, "\n{table}")
}

fn functions(flame: &Flame, view: &View, top: usize, out: &mut dyn Write) -> io::Result<()> {
    let whole = flame.root().total;
    let functions = flame.functions();
    if functions.is_empty() {
        return Ok(());
    }
    writeln!(out, "\n{:>10} {:>6}  {:>10} {:>6}  function", "own", "", "with calls", "")?;
    for (name, own, total) in functions.iter().take(top) {
        writeln!(
            out,
            "{:>10} {:>6}  {:>10} {:>6}  {name}",
            view.metric.human(*own),
            percent(*own, whole),
            view.metric.human(*total),
            percent(*total, whole)
        )?;
    }
    if functions.len() > top {
        writeln!(out, "{:>36}  … and {} more", "", functions.len() - top)?;
    }
    Ok(())
}

/// Writes the tree. Siblings follow each other, the largest first. A frame with the figure of its caller has no figure and
/// no indentation of its own: a long chain of calls would not fit on the screen.
fn tree(flame: &Flame, view: &View, whole: u64, out: &mut dyn Write) -> io::Result<()> {
    writeln!(
        out,
        "\n{:>10} {:>6}  calls, outermost first (without figures: the same as above)",
        view.metric.unit(),
        ""
    )?;
    // The indentation and the figure of each frame on the path.
    let mut path: Vec<(usize, u64)> = Vec::new();
    flame.visit(|names, node| {
        path.truncate(names.len() - 1);
        let (indent, same) = match path.last() {
            Some(&(indent, total)) if total == node.total => (indent, true),
            Some(&(indent, _)) => (indent + 1, false),
            None => (0, false),
        };
        path.push((indent, node.total));
        let name = names.last().copied().unwrap_or_default();
        let figures = [view.metric.human(node.total), percent(node.total, whole)];
        let [value, share] = if same { Default::default() } else { figures };
        writeln!(out, "{value:>10} {share:>6}  {}{name}", "  ".repeat(indent))
    })
}
