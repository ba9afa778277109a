//! CSV (RFC 4180) for spreadsheets and data frames: one row for each stack of each thread.
//!
//! A spreadsheet reads a cell that begins with `=`, `+`, `-` or `@` as a formula, even in quotes. Names in a dump are not
//! trusted, so these cells get a `'` in front.

use std::io::{self, Write};

use crate::clean;
use crate::profile::{Metric, Profile, Stacks};

/// Writes the heading and the rows.
///
/// # Errors
/// Returns an error if `out` fails.
pub fn write(stacks: &Stacks<'_>, profile: &Profile, out: &mut dyn Write) -> io::Result<()> {
    write!(out, "stack,function,file,line,thread,tag")?;
    for metric in Metric::ALL {
        write!(out, ",{}", metric.field())?;
    }
    write!(out, "\r\n")?;
    for row in stacks.rows() {
        let steps = stacks.steps(row);
        let names: Vec<_> = steps.iter().map(|&step| clean::frame(stacks.show(step).name)).collect();
        let inner = steps.last().map(|&step| stacks.show(step));
        let thread = profile.threads.iter().find(|thread| thread.id == row.thread);
        let tags: Vec<&str> = profile
            .tag_path(row.tag)
            .iter()
            .filter_map(|id| Some(profile.tags.get(id)?.1.as_str()))
            .collect();
        let line = inner.map(|frame| frame.line).filter(|&line| line > 0);
        write!(
            out,
            "{},{},{},{},{},{}",
            quoted(&names.join(";")),
            quoted(inner.map_or("", |frame| frame.name)),
            quoted(inner.and_then(|frame| frame.file).unwrap_or_default()),
            line.map_or_else(String::new, |line| line.to_string()),
            quoted(thread.map_or("", |thread| thread.label.as_str())),
            quoted(&tags.join("/"))
        )?;
        for metric in Metric::ALL {
            write!(out, ",{}", metric.of(&row.figures))?;
        }
        write!(out, "\r\n")?;
    }
    Ok(())
}

fn quoted(text: &str) -> String {
    let formula = text.trim_start().starts_with(['=', '+', '-', '@', '＝', '＋', '－', '＠']);
    let mark = if formula || text.starts_with(['\t', '\r', '\n']) { "'" } else { "" };
    if text.contains([',', ';', '"', '\r', '\n', '\t']) {
        format!("\"{mark}{}\"", text.replace('"', "\"\""))
    } else {
        format!("{mark}{text}")
    }
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn names_with_commas_and_quotes_stay_one_field() {
        assert_eq!(quoted("<(A, B)>::f"), "\"<(A, B)>::f\"");
        assert_eq!(quoted("say \"hi\""), "\"say \"\"hi\"\"\"");
        assert_eq!(quoted("plain"), "plain");
    }

    #[test]
    fn no_name_is_a_formula() {
        for (name, cell) in [
            ("=HYPERLINK(\"http://evil\")", "\"'=HYPERLINK(\"\"http://evil\"\")\""),
            ("+1", "'+1"),
            ("-[NSString copy]", "'-[NSString copy]"),
            ("@SUM(A1)", "'@SUM(A1)"),
            (" =1", "' =1"),
            ("\t=1", "\"'\t=1\""),
            ("\r=1", "\"'\r=1\""),
            ("＝1", "'＝1"),
            ("a=b", "a=b"),
            ("operator-", "operator-"),
        ] {
            assert_eq!(quoted(name), cell);
        }
    }
}
