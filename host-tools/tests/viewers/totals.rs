//! Two dumps, one with known totals and one of a real program, go through every viewer. Each viewer shows the
//! same numbers as we do.

use std::time::Duration;

use memtrack_host_tools::profile::Metric;

use crate::browser::Browser;
use crate::dumps;
use crate::program::Place;
use crate::subject::{Subject, both, grouped, shows};
use crate::viewer::{lines, output};

/// No viewer takes longer for a file this small.
const PATIENCE: Duration = Duration::from_secs(60);

fn say(subject: &Subject, program: &str, package: &str, arguments: &[&str]) -> Option<String> {
    output(program, package, subject.place.dir.path(), arguments)
}

/// The first word behind `before`.
#[track_caller]
fn word<'t>(text: &'t str, before: &str) -> &'t str {
    let (_, rest) = text.split_once(before).unwrap_or_else(|| panic!("{before}: {text}"));
    rest.split_whitespace().next().unwrap_or_default()
}

#[test]
fn pprof_adds_up_every_metric() {
    for subject in both() {
        subject.write("run.pb.gz", Metric::Bytes);
        let arguments = ["tool", "pprof", "-symbolize=none", "-raw", "run.pb.gz"];
        let Some(raw) = say(&subject, "go", "golang-go", &arguments) else { return };
        let (_, samples) = raw.split_once("Samples:\n").unwrap();
        let (samples, _) = samples.split_once("\nLocations\n").unwrap();
        let mut sums = [0; 7];
        for line in samples.lines() {
            let Some((values, _)) = line.split_once(": ") else { continue };
            let values: Vec<u64> = values.split_whitespace().filter_map(|value| value.parse().ok()).collect();
            if values.len() == sums.len() {
                sums.iter_mut().zip(values).for_each(|(sum, value)| *sum += value);
            }
        }
        use Metric::{Allocs, Bytes, Live, LiveBlocks, Peak, PeakBlocks, Temporary};
        let ours = [Allocs, Bytes, LiveBlocks, Live, PeakBlocks, Peak, Temporary]
            .map(|metric| subject.total(metric));
        assert_eq!(sums, ours);
        // pprof has its own sum, and its own name for the largest function.
        let arguments = [
            "tool",
            "pprof",
            "-symbolize=none",
            "-top",
            "-cum",
            "-unit=B",
            "-sample_index=peak_space",
            "run.pb.gz",
        ];
        let top = say(&subject, "go", "golang-go", &arguments).unwrap();
        assert!(top.contains(&format!("of {}B total", subject.total(Peak))), "{top}");
        let (name, total) = subject.largest(Peak);
        let is_there = |line: &str| line.contains(&format!(" {total}B ")) && line.ends_with(&name);
        // pprof makes up its own name for an unnamed function.
        assert!(!subject.is_named() || top.lines().any(is_there), "{name}: {top}");
    }
}

#[test]
fn flamegraph_pl_adds_up_folded_stacks() {
    const SCRIPT: &str = "/usr/share/perl5/Devel/NYTProf/flamegraph.pl";
    for subject in both() {
        for metric in [Metric::Bytes, Metric::Peak] {
            subject.write("run.folded", metric);
            let arguments = ["--countname", "bytes", "run.folded"];
            let Some(svg) = say(&subject, SCRIPT, "libdevel-nytprof-perl", &arguments) else { return };
            assert!(
                svg.contains(&format!("<title>all ({} bytes, 100%)</title>", grouped(subject.total(metric))))
            );
        }
    }
}

/// `;` separates frames, a line ends a stack, and the number at its end is its value.
#[test]
fn no_name_breaks_a_folded_stack() {
    const SCRIPT: &str = "/usr/share/perl5/Devel/NYTProf/flamegraph.pl";
    for (name, shown) in [("[u8; 16]", "[u8: 16]"), ("two\nlines", "two\u{fffd}lines"), ("pool 7", "pool_7")]
    {
        let cells = [dumps::cell(1, 1, 4, dumps::figures(10, 1, 7))];
        let mut builder = dumps::program(&[]);
        builder.record(&dumps::thread(1, name.as_bytes(), &cells)).record(&cells[0]);
        let place = Place::with(&builder.finish());
        place.run("dump.bin --per-thread -m peak -o run.folded").ok();
        let arguments = ["--countname", "bytes", "run.folded"];
        let Some(svg) = output(SCRIPT, "libdevel-nytprof-perl", place.dir.path(), &arguments) else { return };
        let frame = format!("<title>{shown} (700 bytes, 100.00%)</title>");
        let frames = svg.matches("<title>").count();
        assert!(svg.contains(&frame) && frames == 5, "{frame} and four others: {svg}");
    }
}

#[test]
fn heaptrack_print_adds_up_calls_peak_and_leaks() {
    for subject in both() {
        subject.write("run.heaptrack", Metric::Bytes);
        let Some(text) = say(&subject, "heaptrack_print", "heaptrack", &["run.heaptrack"]) else { return };
        let number = |before| word(&text, before).parse::<u64>().unwrap();
        assert_eq!(number("calls to allocation functions: "), subject.total(Metric::Allocs));
        assert_eq!(number("temporary memory allocations: "), subject.total(Metric::Temporary));
        for (before, metric) in
            [("peak heap memory consumption: ", Metric::Peak), ("total memory leaked: ", Metric::Live)]
        {
            let shown = word(&text, before);
            assert!(
                shows(shown, subject.total(metric), 1000.0),
                "{before}{shown}, not {}",
                subject.total(metric)
            );
        }
    }
}

#[test]
fn ms_print_has_the_peak_and_the_end() {
    for subject in both() {
        subject.write("massif.out", Metric::Peak);
        let Some(text) = say(&subject, "ms_print", "valgrind", &["massif.out"]) else { return };
        for metric in [Metric::Peak, Metric::Live] {
            let line = format!("100.00% ({}B) (heap allocations)", grouped(subject.total(metric)));
            assert!(text.contains(&line), "{line}: {text}");
        }
    }
}

#[test]
fn massif_visualizer_has_the_peak() {
    for subject in both() {
        subject.write("massif.out", Metric::Peak);
        let folder = subject.place.dir.path();
        let is_last = |line: &str| line.starts_with("peak cost: ");
        let Some(text) =
            lines("massif-visualizer", "massif-visualizer", folder, "massif.out", PATIENCE, is_last)
        else {
            return;
        };
        // `peak cost: "8.8 KiB" heap "0 B" heap extra "0 B" stacks`
        let (_, shown) = text.split_once("peak cost: \"").unwrap_or_else(|| panic!("{text}"));
        let shown = shown.split('"').next().unwrap();
        assert!(shows(shown, subject.total(Metric::Peak), 1024.0), "{shown}: {text}");
    }
}

#[test]
fn jeprof_adds_up_live_and_allocated() {
    for subject in both() {
        subject.write("run.heap", Metric::Live);
        let program = subject.program.to_str().unwrap();
        for (option, metric, unit) in [
            ("--inuse_space", Metric::Live, "B"),
            ("--inuse_objects", Metric::LiveBlocks, "objects"),
            ("--alloc_space", Metric::Bytes, "B"),
            ("--alloc_objects", Metric::Allocs, "objects"),
        ] {
            let arguments = ["--text", "--show_bytes", option, program, "run.heap"];
            let Some(text) = say(&subject, "jeprof", "libjemalloc-dev", &arguments) else { return };
            let total = format!("Total: {} {unit}", subject.total(metric));
            assert!(text.lines().any(|line| line.trim_end() == total), "{total}: {text}");
        }
    }
}

#[test]
fn the_graph_is_what_a_browser_shows() {
    let Some(browser) = Browser::start(1300, 900) else { return };
    for subject in both() {
        browser.open(&subject.write("run.svg", Metric::Peak));
        let titles = browser.texts("#frames title");
        let total = grouped(subject.total(Metric::Peak));
        assert!(titles.contains(&format!("all ({total} bytes, 100%)")), "{titles:?}");
        let (name, most) = subject.largest(Metric::Peak);
        let names = format!("{name} (");
        let of = |title: &String| -> Option<u64> {
            title.strip_prefix(&names)?.split(' ').next()?.replace(',', "").parse().ok()
        };
        assert_eq!(titles.iter().filter_map(of).sum::<u64>(), most, "{name}: {titles:?}");
        // The search marks the function, and shows its share of the total.
        let pattern = name.replace(|c: char| !c.is_alphanumeric(), ".");
        browser.value(&format!("search({})", serde_json::json!(pattern)));
        let share = format!("Matched: {:.1}%", 100.0 * most as f64 / subject.total(Metric::Peak) as f64);
        assert_eq!(browser.text("#matched"), share);
    }
}

#[test]
fn dh_view_has_totals_peak_and_end() {
    const PAGE: &str = "/usr/libexec/valgrind/dh_view.html";
    let Some(browser) = Browser::start(1300, 900) else { return };
    for subject in both() {
        let file = subject.write("run.dhat.json", Metric::Bytes);
        browser.open(PAGE.as_ref());
        browser.keys("input[type=file]", file.to_str().unwrap());
        let text = browser.until("document.body.textContent", |text| text.contains("At t-end"));
        for (title, bytes, blocks) in [
            ("Total: ", Metric::Bytes, Metric::Allocs),
            ("At t-gmax: ", Metric::Peak, Metric::PeakBlocks),
            ("At t-end: ", Metric::Live, Metric::LiveBlocks),
        ] {
            let (_, line) = text.split_once(title).unwrap_or_else(|| panic!("{title}: {text}"));
            let line = line.lines().next().unwrap();
            let [bytes, blocks] = [bytes, blocks].map(|metric| grouped(subject.total(metric)));
            let is_there = |text: &str| line.contains(text);
            assert!(
                is_there(&format!("{bytes} bytes (100%")) && is_there(&format!(" in {blocks} blocks (100%")),
                "{line}"
            );
        }
    }
}
