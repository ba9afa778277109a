//! Finds the parts of a file that have data. The rest are holes: zeros that were never written. Holes take no
//! space on the disk, and may be larger than any memory.

use std::fs::File;
use std::ops::Range;

/// The ranges of a file that have data, by rising offset.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Extents {
    /// `None` means the whole file.
    ranges: Option<Vec<Range<usize>>>,
}

impl Extents {
    /// The extents of a file that has `length` bytes.
    #[must_use]
    pub fn of(file: &File, length: usize) -> Self {
        if holes(file) > 0 { Extents { ranges: ranges(file, length) } } else { Extents::default() }
    }

    /// Extents with the given ranges.
    pub(crate) fn new(ranges: Vec<Range<usize>>) -> Self {
        Extents { ranges: Some(ranges) }
    }

    /// The first offset from `at` on that may have data.
    #[must_use]
    pub fn next(&self, at: usize) -> Option<usize> {
        let Some(ranges) = &self.ranges else { return Some(at) };
        let range = ranges.get(ranges.partition_point(|range| range.end <= at))?;
        Some(range.start.max(at))
    }

    /// A copy of the data behind `from` without the holes, and the size of the holes. `None` if the holes are
    /// too small to be worth the copy. A few zeros replace each hole, because the data on its two sides is
    /// not contiguous.
    pub(crate) fn condensed(&self, bytes: &[u8], from: usize) -> Option<(Vec<u8>, usize)> {
        const WORTH: usize = 16 << 20;
        const LEFT: usize = 16;
        let ranges = self.ranges.as_ref()?.iter().filter(|range| range.end > from);
        let ranges: Vec<_> = ranges.map(|range| range.start.max(from)..range.end).collect();
        let data: usize = ranges.iter().map(ExactSizeIterator::len).sum();
        let holes = bytes.len().saturating_sub(from).saturating_sub(data);
        if holes < WORTH {
            return None;
        }
        let mut out = Vec::with_capacity(data + LEFT * (ranges.len() + 1));
        let mut end = from;
        for range in ranges {
            if range.start > end {
                out.resize(out.len() + LEFT.min(range.start - end), 0);
            }
            out.extend_from_slice(bytes.get(range.clone()).unwrap_or_default());
            end = range.end;
        }
        out.resize(out.len() + LEFT.min(bytes.len().saturating_sub(end)), 0);
        Some((out, holes))
    }
}

/// The number of bytes that a file saves on the disk by its holes.
#[cfg(unix)]
pub(crate) fn holes(file: &File) -> u64 {
    use std::os::unix::fs::MetadataExt;
    let holes =
        |metadata: std::fs::Metadata| metadata.len().saturating_sub(metadata.blocks().saturating_mul(512));
    file.metadata().map_or(0, holes)
}

#[cfg(not(unix))]
pub(crate) fn holes(_: &File) -> u64 {
    0
}

/// The ranges that the file system reports; `None` if it reports none.
#[cfg(target_os = "linux")]
fn ranges(file: &File, length: usize) -> Option<Vec<Range<usize>>> {
    use std::os::fd::AsRawFd;
    /// The rest of a file with more pieces counts as data.
    const MAX_PIECES: usize = 1 << 16;
    let seek = |at: usize, what| {
        let at = libc::off_t::try_from(at).ok()?;
        // SAFETY: the call gets no memory. `file` is borrowed, so its descriptor is open. Nobody reads at its
        // offset.
        usize::try_from(unsafe { libc::lseek(file.as_raw_fd(), at, what) }).ok()
    };
    let mut ranges = Vec::new();
    let mut at = 0;
    while at < length {
        // This fails behind the last data.
        let Some(start) = seek(at, libc::SEEK_DATA) else { break };
        let end = if ranges.len() == MAX_PIECES { length } else { seek(start, libc::SEEK_HOLE)? };
        if end <= start {
            return None;
        }
        ranges.push(start..end.min(length));
        at = end;
    }
    Some(ranges)
}

#[cfg(not(target_os = "linux"))]
fn ranges(_: &File, _: usize) -> Option<Vec<Range<usize>>> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn holes_are_left_out() {
        let extents = Extents::new(vec![10..20, 50..60]);
        let next: Vec<_> = [0, 10, 19, 20, 55, 60].iter().map(|&at| extents.next(at)).collect();
        assert_eq!(next, [Some(10), Some(10), Some(19), Some(50), Some(55), None]);
        assert_eq!(Extents::default().next(7), Some(7));
        let mut bytes = vec![0; 64 << 20];
        bytes[5] = 1;
        bytes[60 << 20] = 2;
        let extents = Extents::new(vec![0..6, 60 << 20..(60 << 20) + 1]);
        let (data, holes) = extents.condensed(&bytes, 0).expect("worth it");
        assert_eq!(data, [&[0, 0, 0, 0, 0, 1][..], &[0; 16], &[2], &[0; 16]].concat());
        assert_eq!(holes, (64 << 20) - 7);
        let (data, holes) = extents.condensed(&bytes, 5).expect("worth it");
        assert_eq!((data, holes), ([&[1][..], &[0; 16], &[2], &[0; 16]].concat(), (64 << 20) - 7));
        assert!(Extents::new(vec![0..1, 2..3]).condensed(&[0; 100], 0).is_none());
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_sparse_file_has_extents() {
        use std::io::Write;
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(&[1; 4096]).unwrap();
        file.set_len(1 << 30).unwrap();
        let extents = Extents::of(&file, 1 << 30);
        assert_eq!(extents.next(0), Some(0));
        // A file system may store more than was written, but not the whole hole.
        assert_eq!(extents.next(1 << 29), None);
    }
}
