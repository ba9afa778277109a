//! Reads a file of limits, and compares a profile with them.
#![no_main]

use libfuzzer_sys::fuzz_target;
use memtrack_fuzz::corpus::profile;
use memtrack_host_tools::limits::Limits;

fuzz_target!(|text: &str| {
    if let Ok(limits) = Limits::parse(text) {
        let _ = limits.judge(&profile());
    }
});
