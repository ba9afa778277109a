//! Sections of a binary, unpacked if they are compressed.

use std::borrow::Cow;

use object::{CompressionFormat, Object, ObjectSection};

/// The bytes of a section, uncompressed; empty if there is no section of that name.
pub(super) fn section<'a>(file: &object::File<'a>, name: &str) -> Cow<'a, [u8]> {
    let Some(section) = file.section_by_name(name) else { return Cow::Borrowed(&[]) };
    let small = section.compressed_data().is_ok_and(|data| {
        data.format == CompressionFormat::None || is_plausible(data.data.len() as u64, data.uncompressed_size)
    });
    if small { section.uncompressed_data().unwrap_or_default() } else { Cow::Borrowed(&[]) }
}

/// Whether a compressed section may have this uncompressed size. A larger one is damaged.
fn is_plausible(packed: u64, unpacked: u64) -> bool {
    /// The size that every section may have, and the largest ratio of sizes.
    const LEAST: u64 = 64 << 20;
    const RATIO: u64 = 32;
    unpacked <= LEAST.max(packed.saturating_mul(RATIO))
}

#[cfg(test)]
mod tests {
    use super::is_plausible;

    #[test]
    fn a_section_may_not_unpack_to_a_thousand_times_its_size() {
        assert!(is_plausible(0, 64 << 20) && is_plausible(100 << 20, 3 << 30));
        assert!(!is_plausible(1 << 20, 1 << 30) && !is_plausible(100, u64::MAX));
    }
}
