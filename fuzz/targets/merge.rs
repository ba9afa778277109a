//! Merges two dumps: either both are in the input, or the input is merged with itself.
#![no_main]

use std::path::Path;

use libfuzzer_sys::{fuzz_mutator, fuzz_target};
use memtrack_format::MAGIC;
use memtrack_host_tools::merge::{Part, merge};
use memtrack_host_tools::reader::Dump;

fuzz_target!(|bytes: &[u8]| {
    // The second dump begins at the last header.
    let at = bytes.windows(MAGIC.len()).rposition(|window| window == MAGIC).unwrap_or(0);
    let (one, other) = if at == 0 { (bytes, bytes) } else { bytes.split_at(at) };
    let (one, other) = (Dump::open(Path::new("one"), one), Dump::open(Path::new("other"), other));
    let dumps: Vec<_> = one.into_iter().chain(other).collect();
    let parts: Vec<_> = dumps.iter().map(|dump| Part { path: Path::new("part"), dump }).collect();
    if !parts.is_empty()
        && let Ok(merged) = merge(&parts, true)
    {
        assert!(Dump::open(Path::new("merged"), &merged).is_ok_and(|dump| dump.is_whole()));
    }
});

fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    memtrack_fuzz::dumps::mutate(data, size, max_size, seed)
});
