//! Lines on stderr.

use std::io::Write;

use anstyle::{AnsiColor, Style};

/// Prints the reason for an exit code other than 0.
pub fn fail(text: &str) {
    say("error", AnsiColor::Red, text);
}

/// Prints a warning: the output is written all the same.
pub fn warn(text: &str) {
    say("warning", AnsiColor::Yellow, text);
}

/// Prints one line on stderr, coloured on terminals unless `NO_COLOR` is set.
pub fn say(kind: &str, color: AnsiColor, text: &str) {
    let style = Style::new().bold().fg_color(Some(color.into()));
    // A closed stderr leaves no place for the line.
    let _ = writeln!(anstream::stderr(), "{style}{kind}:{style:#} {text}");
}
