//! A file of limits.
#![no_main]

use libfuzzer_sys::fuzz_target;
use memtrack_host_tools::limits::Limits;

fuzz_target!(|text: &str| {
    let _ = Limits::parse(text);
});
