//! Reads a file of suppressions, and applies it to a profile.
#![no_main]

use libfuzzer_sys::fuzz_target;
use memtrack_fuzz::corpus::profile;
use memtrack_host_tools::suppress::Suppressions;

fuzz_target!(|text: &str| {
    if let Ok(suppressions) = Suppressions::parse(text) {
        suppressions.apply(&mut profile());
    }
});
