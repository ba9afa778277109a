//! Names addresses by a binary with its debug information (ELF, Mach-O, PE, PDB). The binary is also its own
//! supplementary file.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use memtrack_host_tools::symbolize::names_in;

/// Addresses of code in the seeds, from the suite that compares their names; and the lowest and highest
/// address.
static PLACES: LazyLock<Vec<u64>> = LazyLock::new(|| {
    let expected = include_str!("../../host-tools/tests/corpus/expected.txt");
    let place = |line: &str| u64::from_str_radix(line.split(' ').nth(1)?.strip_prefix("0x")?, 16).ok();
    expected.lines().filter_map(place).chain([0, u64::MAX]).collect()
});

fuzz_target!(|bytes: &[u8]| {
    let names = names_in(bytes, &PLACES).unwrap_or_default();
    assert!(!names.iter().flatten().any(|name| name.contains(char::is_control)));
});
