//! Folded stacks: a line `outer;…;inner COUNT` for each stack.

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
    let mut line = String::new();
    // The end of each frame in `line`: siblings share the part before it.
    let mut ends: Vec<usize> = Vec::new();
    flame.visit(|path, node| {
        ends.truncate(path.len() - 1);
        line.truncate(ends.last().copied().unwrap_or(0));
        if !line.is_empty() {
            line.push(';');
        }
        line.push_str(&clean::frame(path.last().copied().unwrap_or_default()));
        ends.push(line.len());
        if node.own > 0 {
            line.push_str(&format!(" {}", node.own));
            each(&line)?;
        }
        Ok(())
    })
}
