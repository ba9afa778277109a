//! Folded stacks: `outer;…;inner COUNT`, one line for each stack.

use std::io::{self, Write};

use super::style::Style;
use crate::clean;
use crate::profile::Flame;

/// Writes the lines, sorted by their frames.
///
/// # Errors
/// When `out` fails.
pub fn write(mut flame: Flame, style: &Style, out: &mut dyn Write) -> io::Result<()> {
    if let Some(share) = style.min_percent {
        flame.prune(share);
    }
    lines(&flame, |line| writeln!(out, "{line}"))
}

/// Makes the lines one by one.
///
/// # Errors
/// What `each` returns.
pub fn lines<E>(flame: &Flame, mut each: impl FnMut(&str) -> Result<(), E>) -> Result<(), E> {
    let mut line = String::new();
    // Where each frame of `line` ends: siblings share what stands before.
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
