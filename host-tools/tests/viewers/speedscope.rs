//! speedscope as npm ships it: a page that opens files.

use memtrack_host_tools::profile::Metric;

use crate::browser::Browser;
use crate::subject::{both, shows};
use crate::viewer;

/// Name and version are fixed: a newer version may not read our files.
const PACKAGE: &str = "speedscope@1.25.0";

#[test]
fn functions_have_our_totals_in_all_formats() {
    let Some(page) = viewer::npm("speedscope", PACKAGE, "speedscope/dist/release/index.html") else { return };
    let Some(browser) = Browser::start(1300, 900) else { return };
    for subject in both() {
        let (name, most) = subject.largest(Metric::Peak);
        // From pprof's format, it leaves out unnamed functions.
        let files: &[&str] = match subject.is_named() {
            true => &["run.speedscope.json", "run.folded", "run.pb.gz"],
            false => &["run.speedscope.json", "run.folded"],
        };
        for file in files {
            let path = subject.write(file, Metric::Peak);
            browser.open(&page);
            browser.keys("input[type=file]", path.to_str().unwrap());
            browser.until("document.body.innerText", |text| text.contains("Sandwich"));
            // In the table of functions, a row is total, own value, name. The page shows the upper rows only.
            browser.keys("body", "3");
            browser.until("document.body.innerText", |text| text.contains("Symbol Name"));
            browser
                .value("[...document.querySelectorAll('*')].findLast(e => e.textContent == 'Total').click()");
            let table = browser.until("document.body.innerText", |text| text.contains(&name));
            let lines: Vec<&str> = table.lines().map(str::trim).collect();
            let at = lines.iter().position(|line| *line == name).unwrap_or_else(|| panic!("{name}: {table}"));
            let shown = lines[at - 2].split(" (").next().unwrap();
            let step = if file.ends_with(".folded") { 1000.0 } else { 1024.0 };
            assert!(shows(shown, most, step), "{file}: {name} holds {shown}, not {most}");
        }
    }
}
