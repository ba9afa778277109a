//! The program's tables of facts are true, and the README shows them: formats, metrics, losses, exit codes.
//!
//! In the README, a table is between the comments `<!-- table: NAME -->` and `<!-- end of table -->`. Only
//! `cargo xtask bless` writes it.

use std::path::PathBuf;
use std::{env, fs};

use memtrack_format::{Kind, TimePoint};
use memtrack_host_tools::exit::Exit;
use memtrack_host_tools::export::{self, Format, MetricOption, Style};
use memtrack_host_tools::profile::stacks::Split;
use memtrack_host_tools::profile::{Metric, Profile, View};
use memtrack_host_tools::reader::Dump;
use memtrack_host_tools::symbolize::Options;
use memtrack_host_tools::{loss, select};

use crate::dumps;

const BEGIN: &str = "<!-- table: ";
const END: &str = "<!-- end of table -->";

#[test]
fn tables_in_the_readme_are_those_of_the_program() {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("README.md");
    let present = fs::read_to_string(&path).unwrap();
    let expected = filled(&present);
    if env::var_os("MEMTRACK_BLESS").is_some() {
        fs::write(&path, &expected).unwrap();
        return;
    }
    assert!(present == expected, "{} has other tables: `cargo xtask bless` writes them", path.display());
}

/// The text with the tables of this program.
fn filled(text: &str) -> String {
    let mut parts = text.split(BEGIN);
    let mut filled = parts.next().unwrap_or_default().to_string();
    let mut missing = vec!["exit codes", "formats", "losses", "metrics"];
    for part in parts {
        let (name, rest) = part.split_once(" -->\n").expect("the name of a table");
        let (_, rest) = rest.split_once(END).expect("the end of a table");
        filled.push_str(&format!("{BEGIN}{name} -->\n\n{}\n{END}{rest}", table(name)));
        missing.retain(|other| *other != name);
    }
    assert!(missing.is_empty(), "tables that are not in the README: {missing:?}");
    filled
}

fn table(name: &str) -> String {
    match name {
        "exit codes" => Exit::markdown(),
        "formats" => Format::markdown(),
        "losses" => loss::markdown(),
        "metrics" => Metric::markdown(),
        _ => panic!("no table is called {name}"),
    }
}

/// The file in a format.
fn written(format: Format, profile: &Profile, metric: Metric) -> Vec<u8> {
    let mut file = Vec::new();
    // A title of the user's own: the usual one names the metric.
    let style = Style { title: Some("title".into()), ..Style::default() };
    export::write(format, profile, &View::new(metric), &style, &mut file).unwrap().unwrap();
    file
}

/// Each fact says whether a change of the profile, or of the metric, changes the file.
#[test]
fn facts_about_formats_are_true() {
    let bytes = dumps::full();
    let dump = Dump::open("dump.bin".as_ref(), &bytes).unwrap();
    let selected = select::program(&dump);
    let profile = || {
        let options = Options { names: false, ..Options::default() };
        let mut profile = Profile::new(selected.read(&dump), Kind::Program, &options).unwrap();
        profile.timeline = vec![TimePoint { time_ns: 5, high: 7, live: 6 }];
        profile
    };
    let [usual, mut without_timeline, mut one_thread] = [profile(), profile(), profile()];
    without_timeline.timeline.clear();
    one_thread.samples.iter_mut().for_each(|sample| sample.thread = 1);
    for format in Format::ALL {
        let row = format.row();
        let bytes = written(format, &usual, Metric::Bytes);
        let differs = |profile, metric| written(format, profile, metric) != bytes;
        assert!(!differs(&usual, Metric::Bytes), "{} is always the same", row.name);
        let is_used = row.metric != MetricOption::Ignored;
        assert_eq!(differs(&usual, Metric::Peak), is_used, "{} and the metric", row.name);
        let is_only = !matches!(row.metric, MetricOption::Ignored | MetricOption::Moment);
        assert_eq!(differs(&usual, Metric::Allocs), is_only, "{} and the moment", row.name);
        assert_eq!(differs(&without_timeline, Metric::Bytes), row.timeline, "{} and the timeline", row.name);
        let is_split = row.split == Split::ByThread;
        assert_eq!(differs(&one_thread, Metric::Bytes), is_split, "{} and the threads", row.name);
    }
}
