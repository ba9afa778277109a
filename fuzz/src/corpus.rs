//! The dump to which limits and suppressions are applied.

use std::path::Path;

use memtrack_host_tools::profile::Profile;
use memtrack_host_tools::{reader, select, symbolize};

/// The profile of the program's last snapshot in `tests/corpus`, without names.
pub fn profile() -> Profile {
    let dump = include_bytes!("../../tests/corpus/v1.memtrack");
    let dump = reader::Dump::open(Path::new("dump"), dump).expect("a dump");
    let selected = select::program(&dump);
    let options = symbolize::Options { names: false, ..Default::default() };
    Profile::new(dump.snapshot(selected.index), selected.kind, &options).expect("a profile")
}
