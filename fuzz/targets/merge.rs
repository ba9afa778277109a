//! Two dumps, merged: the first byte says where the second begins.
#![no_main]

use std::path::Path;

use libfuzzer_sys::fuzz_target;
use memtrack_host_tools::merge::{Part, merge};
use memtrack_host_tools::reader::Dump;

fuzz_target!(|bytes: &[u8]| {
    let Some((&at, bytes)) = bytes.split_first() else { return };
    let (one, other) = bytes.split_at(bytes.len() * usize::from(at) / 255);
    let (one, other) = (Dump::open(Path::new("one"), one), Dump::open(Path::new("other"), other));
    let dumps: Vec<_> = one.into_iter().chain(other).collect();
    let parts: Vec<_> = dumps.iter().map(|dump| Part { path: Path::new("part"), dump }).collect();
    if !parts.is_empty()
        && let Ok(merged) = merge(&parts, true)
    {
        assert!(Dump::open(Path::new("merged"), &merged).is_ok_and(|dump| dump.is_whole()));
    }
});
