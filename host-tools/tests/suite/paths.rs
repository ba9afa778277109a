//! The paths of many stacks that share frames, compared with each stack alone.

use std::collections::BTreeMap;

use memtrack_format::{Cell, Figures, Heap, Kind, Node, TagName};
use memtrack_host_tools::export::folded;
use memtrack_host_tools::profile::stacks::{Split, Stacks};
use memtrack_host_tools::profile::{MAX_DEPTH, Metric, Profile, Sample, View};
use memtrack_host_tools::reader::Snapshot;
use memtrack_host_tools::symbolize::Options;
use regex::Regex;

/// Numbers that look random, the same each time.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, end: u32) -> u32 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) % u64::from(end)) as u32
    }
}

/// Branches, a chain that is deeper than a stack may be with cells near its limit, gaps in the numbers of nodes, and cells of
/// several threads, heaps and tags in a random order.
fn profile() -> Profile {
    const FUNCTIONS: u32 = 9;
    const DEEP: u32 = 1000;
    let mut numbers = Numbers(1);
    let mut nodes = Vec::new();
    let mut add = |id: u32, parent: u32, function: u32| {
        nodes.push((id, Node { parent, address: u64::from(function + 1) * 64 }));
    };
    for id in Node::FIRST..200 {
        // Some parents are 0 and 1: no caller, and a caller that is missing.
        let parent = numbers.below(id);
        // An id is left out now and then. Its callees have lost their callers.
        if id % 37 != 0 {
            add(id, parent, numbers.below(FUNCTIONS));
        }
    }
    let limit = MAX_DEPTH as u32;
    for id in DEEP..DEEP + limit + 40 {
        add(id, if id == DEEP { Node::ROOT } else { id - 1 }, numbers.below(FUNCTIONS));
    }
    let stack = |numbers: &mut Numbers| match numbers.below(8) {
        0 => DEEP + limit - 20 + numbers.below(60),
        1 => DEEP + numbers.below(limit),
        2 => numbers.below(2),
        _ => numbers.below(210),
    };
    let cells = (0..3000).map(|id| {
        let [a, b, c, d] = [5, 3, 7, 2].map(|end| u64::from(numbers.below(end)));
        let figures = Figures {
            allocs: a + 1,
            bytes: b,
            live: c,
            live_blocks: a,
            peak: b * c,
            peak_blocks: d,
            temporary: d,
            reallocs: 0,
        };
        Cell {
            id,
            thread: numbers.below(4),
            tag: numbers.below(4),
            heap: numbers.below(3),
            stack: stack(&mut numbers),
            cut: numbers.below(9) == 0,
            figures,
        }
    });
    let snapshot = Snapshot {
        cells: cells.collect(),
        nodes,
        tags: vec![TagName { id: 1, parent: 0, name: b"one" }, TagName { id: 2, parent: 1, name: b"two" }],
        heaps: vec![Heap { id: 1, name: b"arena" }],
        ..Snapshot::default()
    };
    let options = Options { names: false, ..Options::default() };
    Profile::new(snapshot, Kind::Program, &options).expect("no binary is needed")
}

/// The path of one sample, by the words of the documentation.
fn path(profile: &Profile, view: &View, sample: &Sample) -> Option<Vec<String>> {
    let mut roots = Vec::new();
    if view.per_thread && !view.bare_paths && !sample.unattributed {
        roots.push(format!("thread #{}", sample.thread));
    }
    match sample.heap {
        0 => {}
        1 => roots.push("[heap arena]".into()),
        other => roots.push(format!("[heap #{other}]")),
    }
    if !view.bare_paths {
        let tags: &[&str] = match sample.tag {
            0 => &[],
            1 => &["tag one"],
            2 => &["tag one", "tag two"],
            _ => &["tag #3"],
        };
        roots.extend(tags.iter().map(ToString::to_string));
    }
    let mut frames: Vec<String> = Vec::new();
    let stack = profile.stack(sample);
    if sample.unattributed {
        frames.push("[unattributed]".into());
    } else {
        frames.extend(stack.truncated.then(|| "[truncated]".into()));
        let names = stack.frames.iter().rev().map(|frame| profile.symbols.text(frame.function));
        frames.extend(names.map(String::from));
        frames.extend(sample.cut.then(|| "[cut: stack table full]".into()));
        if frames.is_empty() {
            frames.push("[no stack]".into());
        }
    }
    if view.reverse {
        frames.reverse();
    }
    roots.extend(frames);
    if view.filter.as_ref().is_some_and(|filter| !roots.iter().any(|step| filter.is_match(step))) {
        return None;
    }
    if let Some(hide) = &view.hide {
        roots.retain(|step| !hide.is_match(step));
        if roots.is_empty() {
            roots.push("[hidden]".into());
        }
    }
    Some(roots)
}

fn views() -> Vec<View> {
    let pattern = |text: &str| Some(Regex::new(text).expect("a pattern"));
    let mut views = Vec::new();
    for bits in 0..8 {
        let [per_thread, bare_paths, reverse] = [1, 2, 4].map(|bit| bits & bit != 0);
        let plain = View { per_thread, bare_paths, reverse, ..View::new(Metric::Bytes) };
        views.push(View { filter: pattern("0x40$|cut|tag two"), ..plain.clone() });
        views.push(View { hide: pattern("0x[14]|tag|no stack|thread"), ..plain.clone() });
        views.push(View { filter: pattern("0x80$"), hide: pattern("0x[0-9]+"), ..plain.clone() });
        views.push(plain);
    }
    views
}

#[test]
fn shared_frames_change_no_path() {
    let profile = profile();
    for view in views() {
        let mut lines: BTreeMap<Vec<String>, u64> = BTreeMap::new();
        let mut rows: BTreeMap<(Vec<String>, u32, u32), u64> = BTreeMap::new();
        for sample in &profile.samples {
            if let Some(path) = path(&profile, &view, sample) {
                *rows.entry((path.clone(), sample.thread, sample.tag)).or_default() += sample.figures.allocs;
                *lines.entry(path).or_default() += sample.figures.bytes;
            }
        }
        let expected = lines.iter().filter(|(_, bytes)| **bytes > 0);
        let expected: Vec<String> =
            expected.map(|(path, bytes)| format!("{} {bytes}", path.join(";"))).collect();
        let mut found: Vec<String> = Vec::new();
        let flame = view.flame(&profile).expect("small sums");
        let ended: Result<(), ()> = folded::lines(&flame, |line| {
            found.push(line.into());
            Ok(())
        });
        assert_eq!((found, ended), (expected, Ok(())), "{view:?}");

        let stacks = Stacks::new(&profile, &view, Split::ByThread).expect("small sums");
        let found: Vec<_> = stacks
            .rows()
            .iter()
            .map(|row| {
                let names = stacks.steps(row).into_iter().map(|step| stacks.show(step).name.into());
                ((names.collect(), row.thread, row.tag), row.figures.allocs)
            })
            .collect();
        assert_eq!(found, rows.into_iter().collect::<Vec<_>>(), "{view:?}");
    }
}
