//! Formats with all metrics: totals, complete names, labels.

use flate2::read::GzDecoder;
use serde_json::Value;

use crate::dumps;
use crate::program::Place;

fn json(place: &Place, format: &str) -> Value {
    serde_json::from_str(&place.run(&format!("dump.bin -m peak -f {format}")).ok()).unwrap()
}

fn sum(values: impl Iterator<Item = Value>) -> u64 {
    values.map(|value| value.as_u64().unwrap()).sum()
}

#[test]
fn json_has_every_stack_of_every_thread() {
    let document = json(&Place::with(&dumps::full()), "json");
    assert_eq!(document["version"], 1);
    assert_eq!(document["metrics"][5], "peak_blocks");
    let stacks = document["stacks"].as_array().unwrap();
    assert_eq!(stacks.len(), dumps::cells().len());
    let expected = dumps::sum(dumps::cells().iter().map(|cell| cell.figures));
    for (index, total) in [(0, expected.allocs), (1, expected.bytes), (2, expected.live), (4, expected.peak)]
    {
        assert_eq!(sum(stacks.iter().map(|stack| stack["values"][index].clone())), total, "metric {index}");
    }
    let tagged = stacks.iter().find(|stack| stack["tag"] == 2).unwrap();
    let frames = tagged["frames"].as_array().unwrap().iter();
    let names: Vec<_> =
        frames.map(|frame| document["frames"][frame.as_u64().unwrap() as usize]["name"].clone()).collect();
    assert_eq!(names, ["tag request", "tag db", "server+0x100", "server+0x400"]);
    assert_eq!(document["totals"]["peak"], 9000);
    assert_eq!(document["losses"].as_array().unwrap().len(), 2);
}

#[test]
fn every_field_of_the_json_is_described() {
    fn fields<'v>(value: &'v serde_json::Value, found: &mut std::collections::BTreeSet<&'v str>) {
        match value {
            serde_json::Value::Object(map) => map.iter().for_each(|(name, value)| {
                found.insert(name);
                fields(value, found);
            }),
            serde_json::Value::Array(values) => values.iter().for_each(|value| fields(value, found)),
            _ => {}
        }
    }
    let page = include_str!("../../../docs/json.md");
    let place = Place::with(&dumps::full());
    place.file("all.supp", b"leak:server\n");
    for command in ["dump.bin -f json --suppressions all.supp", "info --json dump.bin"] {
        let document: serde_json::Value = serde_json::from_str(&place.run(command).ok()).unwrap();
        let mut found = std::collections::BTreeSet::new();
        fields(&document, &mut found);
        assert!(found.len() > 30, "{found:?}");
        let missing: Vec<_> = found.iter().filter(|name| !page.contains(&format!("`{name}`"))).collect();
        assert!(missing.is_empty(), "docs/json.md does not describe {missing:?}");
        let version = format!("`version` | {}", document["version"]);
        assert!(page.contains(&version), "{version}");
    }
}

#[test]
fn csv_has_a_row_for_each_stack_of_each_thread() {
    let csv = Place::with(&dumps::full()).run("dump.bin -f csv").ok();
    let mut lines = csv.split_terminator("\r\n");
    assert_eq!(
        lines.next(),
        Some("stack,function,file,line,thread,tag,allocs,bytes,live,live_blocks,peak,peak_blocks,temporary")
    );
    let rows: Vec<Vec<&str>> = lines.map(|line| line.split(',').collect()).collect();
    assert_eq!(rows.len(), dumps::cells().len());
    let expected = dumps::sum(dumps::cells().iter().map(|cell| cell.figures));
    assert_eq!(rows.iter().map(|row| row[7].parse::<u64>().unwrap()).sum::<u64>(), expected.bytes);
    assert!(csv.contains(
        "\"tag request;tag db;server+0x100;server+0x400\",server+0x400,,,main,request/db,80,8000,1500,15,1600,16,8\r\n"
    ));
}

#[test]
fn speedscope_has_a_profile_for_each_metric() {
    let document = json(&Place::with(&dumps::full()), "speedscope");
    let profiles = document["profiles"].as_array().unwrap();
    assert_eq!(profiles.len(), 7);
    let chosen = &profiles[document["activeProfileIndex"].as_u64().unwrap() as usize];
    assert_eq!((&chosen["name"], &chosen["unit"]), (&"live bytes at the peak".into(), &"bytes".into()));
    let frames = document["shared"]["frames"].as_array().unwrap().len() as u64;
    for profile in profiles {
        let weights = profile["weights"].as_array().unwrap();
        let samples = profile["samples"].as_array().unwrap();
        assert_eq!(weights.len(), samples.len());
        assert_eq!(sum(weights.iter().cloned()), profile["endValue"].as_u64().unwrap());
        let used = samples.iter().flat_map(|sample| sample.as_array().unwrap());
        assert!(used.map(|frame| frame.as_u64().unwrap()).all(|frame| frame < frames));
    }
    assert_eq!(chosen["endValue"], 9000);
}

#[test]
fn dhat_has_the_peak_and_the_end_of_each_stack() {
    let document = json(&Place::with(&dumps::full()), "dhat");
    assert_eq!(document["dhatFileVersion"], 2);
    assert_eq!((&document["bklt"], &document["bkacc"]), (&true.into(), &false.into()), "as dh_view requires");
    let points = document["pps"].as_array().unwrap();
    let expected = dumps::sum(dumps::cells().iter().map(|cell| cell.figures));
    for (key, total) in [
        ("tb", expected.bytes),
        ("tbk", expected.allocs),
        ("gb", expected.peak),
        ("gbk", expected.peak_blocks),
        ("eb", expected.live),
        ("ebk", expected.live_blocks),
    ] {
        assert_eq!(sum(points.iter().map(|point| point[key].clone())), total, "{key}");
    }
    assert!(points.iter().all(|point| point["mb"].as_u64() >= point["gb"].as_u64()));
    assert_eq!(document["ftbl"][0], "[root]");
    let names = document["ftbl"].as_array().unwrap();
    let used = points.iter().flat_map(|point| point["fs"].as_array().unwrap());
    assert!(
        used.map(|frame| frame.as_u64().unwrap() as usize).all(|frame| (1..names.len()).contains(&frame))
    );
    assert!(names.contains(&"0x10300: server+0x300".into()), "{names:?}");
}

#[test]
fn pprof_is_gzipped_and_the_same_every_time() {
    use std::io::Read;
    let place = Place::with(&dumps::full());
    place.run("dump.bin -o a.pb.gz").ok();
    place.run("dump.bin -o b.pb.gz").ok();
    let bytes = std::fs::read(place.path("a.pb.gz")).unwrap();
    assert_eq!(bytes, std::fs::read(place.path("b.pb.gz")).unwrap());
    let mut message = Vec::new();
    GzDecoder::new(&bytes[..]).read_to_end(&mut message).unwrap();
    let holds = |text: &str| message.windows(text.len()).any(|window| window == text.as_bytes());
    for text in ["peak_space", "inuse_space", "bytes", "/opt/shop/server", "abcdef", "worker #2", "request"] {
        assert!(holds(text), "{text}");
    }
}

#[test]
fn all_formats_are_deterministic_and_can_be_empty() {
    let full = Place::with(&dumps::full());
    let empty = Place::with(&dumps::program(&[]).finish());
    for format in ["json", "csv", "html", "speedscope", "dhat", "massif", "heaptrack", "firefox", "jemalloc"]
    {
        let arguments = format!("dump.bin -f {format}");
        assert_eq!(full.run(&arguments).ok(), full.run(&arguments).ok(), "{format}");
        assert!(!empty.run(&arguments).ok().is_empty(), "{format}");
    }
    empty.run("dump.bin -o empty.pb.gz").ok();
}

#[test]
fn completions_name_the_commands() {
    let place = Place::with(b"");
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = place.run(&format!("completions {shell}")).ok();
        assert!(script.contains("memtrack-fold") && script.contains("max-peak"), "{shell}");
    }
    assert_eq!(place.run("completions tcsh").code, 2);
}

#[test]
fn manual_pages_are_written_for_all_commands() {
    let place = Place::with(b"");
    let page = place.run("man").ok();
    assert!(page.contains(".TH memtrack-fold 1") && page.contains("max\\-peak"), "{page}");
    assert_eq!(place.run("man nowhere").code, 4);
    std::fs::create_dir(place.path("man1")).unwrap();
    place.run("man man1").ok();
    let diff = std::fs::read_to_string(place.path("man1/memtrack-fold-diff.1")).unwrap();
    assert!(diff.contains(".TH memtrack-fold-diff 1") && diff.contains("The older dump"), "{diff}");
    for name in
        ["memtrack-fold.1", "memtrack-fold-check.1", "memtrack-fold-record.1", "memtrack-fold-merge.1"]
    {
        assert!(place.path("man1").join(name).exists(), "{name}");
    }
}
