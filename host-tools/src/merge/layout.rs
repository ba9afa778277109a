//! Gives each module one address range: a program is loaded at different addresses in each run.

use indexmap::IndexMap;
use memtrack_format as format;

use crate::modules::{Module, Modules};

/// The distance between modules that are moved because they would overlap.
const GAP: u64 = 1 << 20;

/// Modules at ranges that do not overlap, one for each file.
#[derive(Default)]
pub(super) struct Layout {
    modules: IndexMap<File, Module>,
}

/// The identity of a file: path, build id, size and time.
type File = (Vec<u8>, Vec<u8>, u64, u64);

/// Translates the addresses of one snapshot to those of the layout.
pub(super) struct Places {
    modules: Modules,
    /// The number to add to the addresses of each module.
    moved: Vec<u64>,
}

impl Layout {
    /// Places the modules of a snapshot.
    pub(super) fn add(&mut self, records: &[format::Module<'_>]) -> Places {
        let modules = Modules::new(records, None);
        let moved = modules.all().iter().map(|module| self.place(module)).collect();
        Places { modules, moved }
    }

    /// The modules at their places.
    pub(super) fn modules(&self) -> impl Iterator<Item = &Module> {
        self.modules.values()
    }

    /// Places a module, and returns the distance by which it moves.
    fn place(&mut self, module: &Module) -> u64 {
        // A build id identifies a file better than size and time do.
        let (size, time) = match module.build_id.is_empty() {
            true => (module.file_size, module.file_modified_unix_ns),
            false => (0, 0),
        };
        let key = (module.path.clone(), module.build_id.clone(), size, time);
        if let Some(placed) = self.modules.get_mut(&key) {
            placed.unloaded &= module.unloaded;
            return placed.bias.wrapping_sub(module.bias);
        }
        let free = module.segments.iter().all(|segment| !self.overlaps(segment.start, segment.length));
        let by = if free { 0 } else { self.beyond(module) };
        let mut placed = module.clone();
        placed.bias = placed.bias.wrapping_add(by);
        for segment in &mut placed.segments {
            segment.start = segment.start.wrapping_add(by);
        }
        self.modules.insert(key, placed);
        by
    }

    fn overlaps(&self, start: u64, length: u64) -> bool {
        let end = start.saturating_add(length);
        let all = self.modules.values().flat_map(|module| &module.segments);
        all.into_iter().any(|taken| start < taken.start.saturating_add(taken.length) && taken.start < end)
    }

    /// The distance from a module to the first free place behind all others.
    fn beyond(&self, module: &Module) -> u64 {
        let all = self.modules.values().flat_map(|module| &module.segments);
        let end = all.map(|segment| segment.start.saturating_add(segment.length)).max().unwrap_or(0);
        let first = module.segments.iter().map(|segment| segment.start).min().unwrap_or(0);
        let free = end.checked_next_multiple_of(GAP).and_then(|end| end.checked_add(GAP)).unwrap_or(end);
        // Move by whole pages: each part of a file keeps its offset in a page.
        free.wrapping_add(first % GAP).wrapping_sub(first)
    }
}

impl Places {
    /// Translates an address. An address outside of all modules stays as it is, or becomes 0 if the layout
    /// has a module of another run there.
    pub(super) fn address(&self, address: u64, layout: &Layout) -> u64 {
        match self.modules.find(address) {
            Some(place) => address.wrapping_add(self.moved[place.module]),
            None if layout.overlaps(address, 1) => 0,
            None => address,
        }
    }
}

#[cfg(test)]
mod tests {
    use memtrack_format::{List, Segment};

    use super::*;

    #[test]
    fn a_program_has_one_place_and_others_move() {
        let at = |start| [Segment { start, length: 0x1000, file_offset: 0, executable: true }];
        let (here, there) = (at(0x10000), at(0x50000));
        let module = |path, bias, segments| format::Module {
            path,
            build_id: b"",
            bias,
            segments: List::Items(segments),
            ..format::Module::default()
        };
        let mut layout = Layout::default();
        let first = layout.add(&[module(b"/a", 0x10000, &here)]);
        let second = layout.add(&[module(b"/a", 0x50000, &there), module(b"/b", 0x10000, &here)]);
        assert_eq!(first.address(0x10010, &layout), 0x10010);
        assert_eq!(second.address(0x50010, &layout), 0x10010, "the same instruction of the same program");
        assert_eq!(second.address(0x10010, &layout) % 0x1000, 0x10);
        assert!(!layout.modules.values().any(|module| module.name() == "b" && module.bias == 0x10000));
        assert_eq!(first.address(0x90000, &layout), 0x90000, "outside");
        let moved = second.address(0x10010, &layout);
        assert_eq!(first.address(moved, &layout), 0, "what was outside must not become a function of /b");
    }
}
