//! Finds the binary to which an address belongs.

use memtrack_format as format;

use crate::clean::clean_bytes;

/// A loaded executable or library, as the dump describes it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Module {
    /// The path it was loaded from, byte by byte as in the dump.
    pub path: Vec<u8>,
    /// Its build id; empty if it has none.
    pub build_id: Vec<u8>,
    /// The number that was added to the file's addresses at load time.
    pub bias: u64,
    /// Whether this module represents a bare-metal program without modules.
    pub bare: bool,
    /// Whether it had been unloaded before the snapshot was taken.
    pub unloaded: bool,
    /// The address ranges into which it was loaded.
    pub segments: Vec<format::Segment>,
    /// Size of its file when the program ran; 0 if unknown.
    pub file_size: u64,
    /// Modification time of its file when the program ran, in nanoseconds since 1970; 0 if unknown.
    pub file_modified_unix_ns: u64,
}

impl Module {
    /// The last part of its path, without control characters.
    #[must_use]
    pub fn name(&self) -> String {
        let name = last_part(&self.path);
        if name.is_empty() { "[unnamed]".into() } else { clean_bytes(name) }
    }

    /// Its lowest address, as its own headers count addresses.
    #[must_use]
    pub fn base(&self) -> u64 {
        let start = self.segments.iter().map(|segment| segment.start).min().unwrap_or(0);
        start.wrapping_sub(self.bias)
    }

    /// Its path, without control characters.
    #[must_use]
    pub fn shown_path(&self) -> String {
        if self.path.is_empty() { "[unnamed]".into() } else { clean_bytes(&self.path) }
    }
}

/// The last part of a path of any operating system.
pub(crate) fn last_part(path: &[u8]) -> &[u8] {
    path.rsplit(|&byte| byte == b'/' || byte == b'\\').next().unwrap_or_default()
}

/// All modules, indexed by address.
#[derive(Debug, Default)]
pub struct Modules {
    all: Vec<Module>,
    /// Ranges that do not overlap, by rising start.
    ranges: Vec<Range>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
struct Range {
    start: u64,
    /// The last address in the range. An end would overflow if the range reaches the end of the address
    /// space.
    last: u64,
    module: usize,
    file_offset: u64,
}

/// The position of an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// The module's index.
    pub module: usize,
    /// The address as the binary's own headers and debug information count it.
    pub svma: u64,
    /// The position in the file.
    pub file_offset: u64,
}

impl Modules {
    /// Indexes the modules of a dump. If there are none (bare metal, where a program runs at the addresses
    /// for which it was linked), `bare` covers all addresses.
    #[must_use]
    pub fn new(records: &[format::Module<'_>], bare: Option<Module>) -> Self {
        let mut all: Vec<Module> = records.iter().map(from_record).collect();
        if all.is_empty() {
            all.extend(bare);
        }
        let mut ranges: Vec<Range> = Vec::new();
        // Where ranges overlap, loaded modules win over unloaded ones, and later ones over earlier ones.
        let mut order: Vec<usize> = (0..all.len()).rev().collect();
        order.sort_by_key(|&module| all[module].unloaded);
        for module in order {
            for segment in &all[module].segments {
                let Some(size) = segment.length.checked_sub(1) else { continue };
                ranges.push(Range {
                    start: segment.start,
                    last: segment.start.saturating_add(size),
                    module,
                    file_offset: segment.file_offset,
                });
            }
        }
        Modules { all, ranges: without_overlap(ranges) }
    }

    /// The modules in the order of the dump; the program itself comes first.
    #[must_use]
    pub fn all(&self) -> &[Module] {
        &self.all
    }

    /// Finds the module and the position of an address.
    #[must_use]
    pub fn find(&self, address: u64) -> Option<Place> {
        let after = self.ranges.partition_point(|range| range.start <= address);
        let range = self.ranges[..after].last().filter(|range| address <= range.last)?;
        Some(Place {
            module: range.module,
            svma: address.wrapping_sub(self.all[range.module].bias),
            file_offset: range.file_offset.wrapping_add(address - range.start),
        })
    }
}

fn from_record(record: &format::Module<'_>) -> Module {
    Module {
        path: record.path.into(),
        build_id: record.build_id.into(),
        bias: record.bias,
        bare: false,
        unloaded: record.unloaded,
        segments: record.segments.iter().collect(),
        file_size: record.file_size,
        file_modified_unix_ns: record.file_modified_unix_ns,
    }
}

/// Cuts overlapping ranges: each address stays in the first range that contains it.
fn without_overlap(ranges: Vec<Range>) -> Vec<Range> {
    // A sweep over all borders. `open` holds the ranges at the current address; the first one wins.
    let mut borders: Vec<(u64, bool, usize)> = Vec::with_capacity(2 * ranges.len());
    for (i, range) in ranges.iter().enumerate() {
        borders.push((range.start, true, i));
        if let Some(end) = range.last.checked_add(1) {
            borders.push((end, false, i));
        }
    }
    borders.sort_unstable();
    let mut open = std::collections::BTreeSet::new();
    let mut out: Vec<Range> = Vec::new();
    for (i, &(at, opens, range)) in borders.iter().enumerate() {
        if opens {
            open.insert(range);
        } else {
            open.remove(&range);
        }
        let next = borders.get(i + 1).map(|border| border.0);
        if next == Some(at) {
            continue;
        }
        let Some(&top) = open.first() else { continue };
        let whole = ranges[top];
        let piece = Range {
            start: at,
            last: next.map_or(u64::MAX, |next| next - 1),
            file_offset: whole.file_offset.wrapping_add(at - whole.start),
            ..whole
        };
        out.push(piece);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use memtrack_format::{List, Segment};

    fn modules(of: &[(&[u8], bool, &[Segment])]) -> Modules {
        let records: Vec<_> = of
            .iter()
            .map(|&(path, unloaded, segments)| format::Module {
                path,
                build_id: b"",
                bias: 0x1000,
                unloaded,
                segments: List::Items(segments),
                ..format::Module::default()
            })
            .collect();
        Modules::new(&records, None)
    }

    fn segment(start: u64, length: u64) -> Segment {
        Segment { start, length, file_offset: 0x100, executable: true }
    }

    #[test]
    fn an_address_has_its_place_in_the_file() {
        let modules = modules(&[(b"/bin/a", false, &[segment(0x5000, 0x1000), segment(0x8000, 0x10)])]);
        assert_eq!(modules.find(0x5010), Some(Place { module: 0, svma: 0x4010, file_offset: 0x110 }));
        assert_eq!(modules.find(0x5fff).map(|place| place.file_offset), Some(0x10ff));
        assert_eq!(modules.find(0x800f).map(|place| place.svma), Some(0x700f));
        for outside in [0, 0x4fff, 0x6000, 0x8010, u64::MAX] {
            assert_eq!(modules.find(outside), None);
        }
        assert_eq!(modules.all()[0].name(), "a");
    }

    #[test]
    fn loaded_modules_win_over_unloaded_ones() {
        let modules = modules(&[
            (b"new", false, &[segment(0x2000, 0x1000)]),
            (b"old", true, &[segment(0x1000, 0x4000)]),
        ]);
        let found: Vec<_> = [0x1fff, 0x2000, 0x2fff, 0x3000]
            .iter()
            .map(|&at| modules.find(at).map(|place| place.module))
            .collect();
        assert_eq!(found, [Some(1), Some(0), Some(0), Some(1)]);
        assert_eq!(modules.find(0x3000).map(|place| place.file_offset), Some(0x2100));
    }

    #[test]
    fn ranges_reach_the_end_of_the_address_space() {
        let modules = modules(&[(b"x", false, &[segment(u64::MAX - 1, u64::MAX), segment(7, 0)])]);
        assert_eq!(modules.find(u64::MAX).map(|place| place.module), Some(0));
        assert_eq!(modules.find(7), None);
    }
}
