//! Demangles a symbol.
#![no_main]

use libfuzzer_sys::fuzz_target;
use memtrack_host_tools::symbolize::readable;

fuzz_target!(|symbol: &str| {
    let name = readable(symbol);
    // The longest name, and the `…` of a longer one.
    assert!(name.chars().count() <= 2049);
    assert!(!name.contains(char::is_control));
});
