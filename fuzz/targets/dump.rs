//! A dump, into every format.
#![no_main]

use std::path::Path;

use libfuzzer_sys::fuzz_target;
use memtrack_host_tools::export::{self, Format};
use memtrack_host_tools::{info, profile, reader, select, symbolize, warnings};

fuzz_target!(|bytes: &[u8]| {
    let Ok(dump) = reader::Dump::open(Path::new("dump"), bytes) else { return };
    let names = select::names(&dump);
    let stages = names.iter().filter_map(|name| select::stage(&dump, name, &[]).ok());
    for selected in std::iter::once(select::program(&dump)).chain(stages.take(4)) {
        let snapshot = dump.snapshot(selected.index);
        let _ = profile::check::equations(&snapshot, selected.kind);
        let options = symbolize::Options { names: false, ..Default::default() };
        let Ok(profile) = profile::Profile::new(snapshot, selected.kind, &options) else { continue };
        for metric in [profile::Metric::Peak, profile::Metric::Bytes] {
            let mut view = profile::View::new(metric);
            view.per_thread = true;
            for format in Format::ALL {
                let _ = export::write(format, &profile, &view, &Default::default(), &mut std::io::sink());
            }
        }
        let info = info::Info { dump: &dump, selected, profile: &profile, warnings: warnings::damage(&dump) };
        info::text::write(&info, &mut std::io::sink()).expect("a sink takes all");
        let _ = info::json::value(&info);
    }
});
