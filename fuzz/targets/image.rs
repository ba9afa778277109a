//! Reads a memory image, and the dump made of it.
#![no_main]

use libfuzzer_sys::fuzz_target;
use memtrack_host_tools::{image, extents::Extents, reader};

fuzz_target!(|bytes: &[u8]| {
    if let Ok(image) = image::read(bytes, &Extents::default(), None) {
        let _ = reader::Dump::open("image".as_ref(), &image.dump);
    }
});
