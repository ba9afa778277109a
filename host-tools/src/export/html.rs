//! A report in one HTML file, without network and without other files.
//!
//! The page is `html/report.html`. Its style and its scripts are files beside it, which this writer inserts. The data is JSON
//! in a script element that browsers do not run. The script shows names as text, never as markup.
//!
//! - `run`: the input.
//! - `data`: the JSON.
//! - `cells`: stacks and their figures in the JSON.
//! - `package`: the crate or library of a function.

mod cells;
mod data;
mod package;
mod run;

use std::io::{self, Write};

use serde::Serialize;

use super::style::Style;
use crate::Error;
use crate::profile::View;
use data::Document;
pub use run::{Run, Start};

/// The page. Each `{{place}}` is replaced by a part.
const PAGE: &str = include_str!("html/report.html");
const CSS: &str = include_str!("html/report.css");

/// The parts of the script. Each uses only parts before it.
const SCRIPT: [&str; 18] = [
    include_str!("html/dom.js"),
    include_str!("html/numbers.js"),
    include_str!("html/report.js"),
    include_str!("html/choice.js"),
    include_str!("html/span.js"),
    include_str!("html/shape.js"),
    include_str!("html/tree.js"),
    include_str!("html/colors.js"),
    include_str!("html/summary.js"),
    include_str!("html/timeline.js"),
    include_str!("html/drag.js"),
    include_str!("html/lanes.js"),
    include_str!("html/controls.js"),
    include_str!("html/flame.js"),
    include_str!("html/pointer.js"),
    include_str!("html/table.js"),
    include_str!("html/tables.js"),
    include_str!("html/main.js"),
];

/// Writes the report of one dump, or of an older and a newer one, each with its view.
///
/// # Errors
/// Returns an error if a sum is beyond 64 bits, with an [`io::Error`] inside if `out` fails.
pub fn write(
    runs: &[(Run<'_>, &View)],
    start: &Start,
    style: &Style,
    out: &mut dyn Write,
) -> Result<io::Result<()>, Error> {
    Ok(page(&Document::new(runs, start, style)?, out))
}

/// Writes the page with its data.
fn page(data: &impl Serialize, out: &mut dyn Write) -> io::Result<()> {
    let mut rest = PAGE;
    while let Some((before, after)) = rest.split_once("{{") {
        let (place, after) = after.split_once("}}").unwrap_or((after, ""));
        out.write_all(before.as_bytes())?;
        match place {
            "style" => out.write_all(CSS.as_bytes())?,
            "script" => SCRIPT.iter().try_for_each(|part| out.write_all(part.as_bytes()))?,
            "data" => serde_json::to_writer(Element(out), data)?,
            _ => {}
        }
        rest = after;
    }
    out.write_all(rest.as_bytes())
}

/// Writes JSON inside an element. A `<` occurs only in strings, where it could end the element, so it is escaped.
struct Element<'o>(&'o mut dyn Write);

impl Write for Element<'_> {
    fn write(&mut self, json: &[u8]) -> io::Result<usize> {
        let mut parts = json.split(|&byte| byte == b'<');
        self.0.write_all(parts.next().unwrap_or_default())?;
        for part in parts {
            self.0.write_all(b"\\u003c")?;
            self.0.write_all(part)?;
        }
        Ok(json.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_has_its_parts_and_no_address() {
        let mut out = Vec::new();
        page(&serde_json::json!({ "names": ["</script><b>"] }), &mut out).expect("memory");
        let text = String::from_utf8(out).expect("text");
        assert!(text.contains("{\"names\":[\"\\u003c/script>\\u003cb>\"]}"));
        assert!(!text.contains("{{") && text.trim_end().ends_with("</html>"));
        for network in ["http:", "https:", "//cdn", "@import", "fetch(", "XMLHttpRequest"] {
            let found = text.matches(network).count();
            let namespace = text.matches("http://www.w3.org/").count();
            assert_eq!(found, if network == "http:" { namespace } else { 0 }, "{network}");
        }
        for unsafe_way in ["innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval("] {
            assert!(!text.contains(unsafe_way), "{unsafe_way}");
        }
    }
}
