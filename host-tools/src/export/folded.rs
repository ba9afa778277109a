//! Folded stacks: a line `outer;…;inner COUNT` for each stack.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::io::{self, Write};

use super::style::Style;
use crate::clean;
use crate::profile::Flame;

/// Writes the lines, sorted by their frames.
///
/// # Errors
/// Returns an error if `out` fails.
pub fn write(mut flame: Flame, style: &Style, out: &mut dyn Write) -> io::Result<()> {
    if let Some(share) = style.min_percent {
        flame.prune(share);
    }
    lines(&flame, |line| writeln!(out, "{line}"))
}

/// Calls `each` with the lines, one by one.
///
/// # Errors
/// Returns the error of `each`.
pub fn lines<E>(flame: &Flame, mut each: impl FnMut(&str) -> Result<(), E>) -> Result<(), E> {
    let names: Vec<Cow<'_, str>> = flame.names().map(clean::frame).collect();
    let mut line = String::new();
    // The end of each frame in `line`: siblings share the part before it.
    let mut ends: Vec<usize> = Vec::new();
    flame.visit(|path, node| {
        ends.truncate(path.len() - 1);
        line.truncate(ends.last().copied().unwrap_or(0));
        if !line.is_empty() {
            line.push(';');
        }
        line.push_str(&names[node.name()]);
        ends.push(line.len());
        if node.own > 0 {
            let _ = write!(line, " {}", node.own);
            each(&line)?;
        }
        Ok(())
    })
}
