//! Exports a dump. The checksum of the input selects format, metric and view.
#![no_main]

use std::path::Path;

use libfuzzer_sys::{fuzz_mutator, fuzz_target};
use memtrack_format::crc32;
use memtrack_host_tools::export::{self, Format};
use memtrack_host_tools::profile::{Metric, Profile, View, check};
use memtrack_host_tools::{info, reader, select, symbolize, warnings};

/// Draws choices from a number.
struct Choices(usize);

impl Choices {
    fn of(&mut self, count: usize) -> usize {
        let choice = self.0 % count;
        self.0 /= count;
        choice
    }
}

fuzz_target!(|bytes: &[u8]| {
    let mut choices = Choices(crc32(bytes) as usize);
    let Ok(dump) = reader::Dump::open(Path::new("dump"), bytes) else { return };
    let names = select::names(&dump);
    let stages = names.iter().filter_map(|name| select::stage(&dump, name, &[]).ok());
    let mut all: Vec<_> = std::iter::once(select::program(&dump)).chain(stages.take(4)).collect();
    let selected = all.swap_remove(choices.of(all.len()));
    let snapshot = dump.snapshot(selected.index);
    let _ = check::equations(&snapshot, selected.kind);
    let options = symbolize::Options { names: false, ..Default::default() };
    let Ok(profile) = Profile::new(snapshot, selected.kind, &options) else { return };
    let mut view = View::new(Metric::ALL[choices.of(Metric::ALL.len())]);
    (view.per_thread, view.reverse, view.show_internal) =
        (choices.of(2) == 1, choices.of(2) == 1, choices.of(2) == 1);
    match Format::ALL.get(choices.of(Format::ALL.len() + 1)) {
        Some(&format) => {
            let _ = export::write(format, &profile, &view, &Default::default(), &mut std::io::sink());
        }
        None => {
            let warnings = warnings::damage(&dump);
            let info = info::Info { dump: &dump, selected, profile: &profile, warnings };
            info::text::write(&info, &mut std::io::sink()).expect("a sink takes all");
            let _ = info::json::value(&info);
        }
    }
});

fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    memtrack_fuzz::dumps::mutate(data, size, max_size, seed)
});
