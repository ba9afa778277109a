//! A binary with its debug information: ELF, Mach-O, PE, PDB. It is also its own supplementary file.
#![no_main]

use libfuzzer_sys::fuzz_target;
use memtrack_host_tools::symbolize::names_in;

fuzz_target!(|bytes: &[u8]| {
    let places =
        (0..64).map(|place| place * 0x40).chain([0x1000, 0x1040, 0x40_1000, 0x1_8000_1000, u64::MAX]);
    let _ = names_in(bytes, &places.collect::<Vec<_>>());
});
