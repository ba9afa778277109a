//! A mangled symbol.
#![no_main]

use libfuzzer_sys::fuzz_target;
use memtrack_host_tools::symbolize::readable;

fuzz_target!(|symbol: &str| {
    // The longest name that is kept, and the sign that it was longer.
    assert!(readable(symbol).chars().count() <= 2049);
});
