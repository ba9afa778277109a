//! A file of suppressions.
#![no_main]

use libfuzzer_sys::fuzz_target;
use memtrack_host_tools::suppress::Suppressions;

fuzz_target!(|text: &str| {
    let _ = Suppressions::parse(text);
});
