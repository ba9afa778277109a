//! pprof's profile.proto, gzipped, for `go tool pprof`, speedscope, Pyroscope and others. All metrics are in one file.
//!
//! `system_name` has the mangled symbol, because pprof shortens Rust names if it equals the name. Addresses, mappings and
//! build ids are those of the process, so that pprof can find missing names itself.

mod proto;
mod strings;

use std::collections::HashMap;
use std::io::{self, Write};

use flate2::{Compression, write::GzEncoder};
use prost::Message;

use crate::profile::stacks::{Row, Shown};
use crate::profile::{Metric, Profile, Stacks, Step, View};
use proto::{Function, Label, Line, Location, Profile as Proto, Sample, ValueType};
use strings::Strings;

/// The sample types, with Go's names if Go's heap profiles have that type. "In use" means live.
const TYPES: [(Metric, &str, &str); Metric::ALL.len()] = [
    (Metric::Allocs, "alloc_objects", "count"),
    (Metric::Bytes, "alloc_space", "bytes"),
    (Metric::LiveBlocks, "inuse_objects", "count"),
    (Metric::Live, "inuse_space", "bytes"),
    (Metric::PeakBlocks, "peak_objects", "count"),
    (Metric::Peak, "peak_space", "bytes"),
    (Metric::Temporary, "temporary_objects", "count"),
];

/// Writes the file.
///
/// # Errors
/// Returns an error if `out` fails.
pub fn write(stacks: &Stacks<'_>, profile: &Profile, view: &View, out: &mut dyn Write) -> io::Result<()> {
    let mut gzip = GzEncoder::new(out, Compression::default());
    encode(stacks, profile, view, |part| gzip.write_all(&part.encode_to_vec()))?;
    gzip.finish()?;
    Ok(())
}

/// The number of samples that are in memory as messages at a time.
const AT_ONCE: usize = 1024;

/// Writes the message in parts. A reader of the concatenated parts gets one message, with joined lists.
fn encode(
    stacks: &Stacks<'_>,
    profile: &Profile,
    view: &View,
    mut write: impl FnMut(&Proto) -> io::Result<()>,
) -> io::Result<()> {
    let mut writer = Writer {
        stacks,
        profile,
        proto: Proto::default(),
        strings: Strings::default(),
        functions: HashMap::new(),
        locations: HashMap::new(),
        known: vec![(0, 0); stacks.end()],
    };
    writer.header(view);
    writer.mappings();
    write(&writer.proto)?;
    for rows in stacks.rows().chunks(AT_ONCE) {
        let sample = rows.iter().map(|row| writer.sample(row)).collect();
        write(&Proto { sample, ..Proto::default() })?;
    }
    let Writer { proto: Proto { location, function, .. }, strings, .. } = writer;
    write(&Proto { location, function, string_table: strings.into_table(), ..Proto::default() })
}

struct Writer<'s> {
    stacks: &'s Stacks<'s>,
    profile: &'s Profile,
    proto: Proto,
    strings: Strings,
    functions: HashMap<(i64, i64, i64), u64>,
    /// Locations by their frames, innermost first. Inlined functions share the location of their caller.
    locations: HashMap<Vec<Step>, u64>,
    /// The location whose innermost frame is at a place, and the place of the next frame outside; 0 if it is not known yet.
    known: Vec<(u64, u32)>,
}

impl Writer<'_> {
    fn header(&mut self, view: &View) {
        let strings = &mut self.strings;
        self.proto.sample_type = TYPES
            .map(|(_, name, unit)| ValueType { r#type: strings.add(name), unit: strings.add(unit) })
            .to_vec();
        let (_, name, _) = TYPES.iter().find(|(metric, ..)| *metric == view.metric).unwrap_or(&TYPES[1]);
        self.proto.default_sample_type = strings.add(name);
        self.proto.period_type = Some(ValueType { r#type: strings.add("space"), unit: strings.add("bytes") });
        // Every allocation is counted.
        self.proto.period = 1;
        let program = &self.profile.program;
        self.proto.time_nanos = signed(program.start_unix_ns);
        self.proto.duration_nanos = signed(self.profile.time_ns);
        let losses = crate::loss::summary(&self.profile.losses, usize::MAX);
        self.proto.comment =
            losses.iter().chain(&view.subtitle(self.profile)).map(|text| strings.add(text)).collect();
        self.proto.comment.dedup();
    }

    /// Adds a mapping for each executable range. That of the program itself is first.
    fn mappings(&mut self) {
        let sources = self.profile.symbols.sources();
        for (module, source) in self.profile.modules.all().iter().zip(sources) {
            for segment in module.segments.iter().filter(|segment| segment.executable) {
                let named = source.path.is_some() && source.unnamed == 0;
                self.proto.mapping.push(proto::Mapping {
                    id: self.proto.mapping.len() as u64 + 1,
                    memory_start: segment.start,
                    memory_limit: segment.start.saturating_add(segment.length),
                    file_offset: segment.file_offset,
                    filename: self.strings.add(&module.shown_path()),
                    build_id: self.strings.add(&crate::units::hex(&module.build_id)),
                    has_functions: named,
                    has_filenames: named && source.debug_info,
                    has_line_numbers: named && source.debug_info,
                    has_inline_frames: named && source.debug_info,
                });
            }
        }
    }

    fn sample(&mut self, row: &Row) -> Sample {
        let mut location_id = Vec::new();
        let mut at = row.path;
        while at > 0 {
            let (location, next) = self.at(at);
            location_id.push(location);
            at = next;
        }
        Sample {
            location_id,
            value: TYPES.map(|(metric, ..)| signed(metric.of(&row.figures))).to_vec(),
            label: self.labels(row),
        }
    }

    /// The location whose innermost frame is at a place, and the place of the next frame outside.
    fn at(&mut self, place: u32) -> (u64, u32) {
        if self.known[place as usize].0 > 0 {
            return self.known[place as usize];
        }
        // Frames that were inlined into each other follow each other, with one address.
        let inlined = |a: Step, b: Step| match (a.at, b.at) {
            (Some(a), Some(b)) => a.location == b.location && a.inlined + 1 == b.inlined,
            _ => false,
        };
        let stacks = self.stacks;
        let mut steps = vec![stacks.step(place)];
        let mut outside = stacks.places(place).skip(1);
        let next = outside.find(|&place| {
            let step = stacks.step(place);
            let same = steps.last().is_some_and(|&last| inlined(last, step));
            steps.extend(same.then_some(step));
            !same
        });
        self.known[place as usize] = (self.location(&steps), next.unwrap_or(0));
        self.known[place as usize]
    }

    fn labels(&mut self, row: &Row) -> Vec<Label> {
        let profile = self.profile;
        let thread = profile.threads.iter().find(|thread| thread.id == row.thread);
        let tags = profile.tag_path(row.tag).into_iter();
        let tags = tags.filter_map(|tag| Some(("tag", profile.tags.get(&tag)?.1.as_str())));
        let stage = profile.stages.first().filter(|_| profile.kind == memtrack_format::Kind::Stage);
        let texts = thread
            .map(|thread| ("thread", thread.label.as_str()))
            .into_iter()
            .chain(tags)
            .chain(stage.map(|stage| ("stage", stage.name.as_str())));
        texts.map(|(key, text)| Label { key: self.strings.add(key), str: self.strings.add(text) }).collect()
    }

    fn location(&mut self, steps: &[Step]) -> u64 {
        if let Some(&id) = self.locations.get(steps) {
            return id;
        }
        let frames: Vec<Shown<'_>> = steps.iter().map(|&step| self.stacks.show(step)).collect();
        let location = frames.first().and_then(|frame| frame.location);
        let address = location.map_or(0, |location| location.address);
        // pprof finds the names of locations without lines itself: see `-symbolize`.
        let nameless = location.is_some_and(|location| !location.named && location.place.is_some());
        let line = frames.iter().filter(|_| !nameless).map(|frame| self.line(frame)).collect();
        let id = self.locations.len() as u64 + 1;
        let mapping_id = location.and_then(|_| self.mapping(address)).unwrap_or(0);
        self.proto.location.push(Location { id, mapping_id, address, line });
        self.locations.insert(steps.to_vec(), id);
        id
    }

    fn mapping(&self, address: u64) -> Option<u64> {
        let holds =
            |mapping: &&proto::Mapping| (mapping.memory_start..mapping.memory_limit).contains(&address);
        self.proto.mapping.iter().find(holds).map(|mapping| mapping.id)
    }

    fn line(&mut self, frame: &Shown<'_>) -> Line {
        let name = self.strings.add(frame.name);
        // Without a symbol, any text that differs from the name keeps pprof from shortening the name.
        let system_name = match frame.symbol {
            symbol if symbol == frame.name => self.strings.add(&format!("{symbol} ")),
            symbol => self.strings.add(symbol),
        };
        let filename = self.strings.add(frame.file.unwrap_or_default());
        let next = self.functions.len() as u64 + 1;
        let id = *self.functions.entry((name, system_name, filename)).or_insert(next);
        if id == next {
            self.proto.function.push(Function { id, name, system_name, filename });
        }
        Line { function_id: id, line: frame.line.into() }
    }
}

/// pprof's numbers are signed. No program has more bytes than that.
fn signed(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}
