//! Lines on stderr.

use std::io::Write;

use anstyle::{AnsiColor, Style};

/// Tells the user what ends the program with a code other than 0.
pub fn fail(text: &str) {
    say("error", AnsiColor::Red, text);
}

/// Tells the user something that does not keep the output from being written.
pub fn warn(text: &str) {
    say("warning", AnsiColor::Yellow, text);
}

/// One line on stderr, coloured on terminals unless `NO_COLOR` is set.
pub fn say(kind: &str, color: AnsiColor, text: &str) {
    let style = Style::new().bold().fg_color(Some(color.into()));
    // Nobody is left to be told when stderr is closed.
    let _ = writeln!(anstream::stderr(), "{style}{kind}:{style:#} {text}");
}
