//! Reads the packets of a serial line.
#![no_main]

use libfuzzer_sys::{fuzz_mutator, fuzz_target};
use memtrack_host_tools::{packets, reader};

fuzz_target!(|bytes: &[u8]| {
    if let Some(arrived) = packets::read(bytes) {
        let _ = reader::Dump::open("line".as_ref(), &arrived.dump);
    }
});

fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    memtrack_fuzz::packets::mutate(data, size, max_size, seed)
});
