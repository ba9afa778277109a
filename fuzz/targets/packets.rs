//! What came over a line.
#![no_main]

use libfuzzer_sys::fuzz_target;
use memtrack_host_tools::{packets, reader};

fuzz_target!(|bytes: &[u8]| {
    if let Some(arrived) = packets::read(bytes) {
        let _ = reader::Dump::open("line".as_ref(), &arrived.dump);
    }
});
