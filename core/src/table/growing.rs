//! A region that takes memory as it grows, for programs of unknown size.

use super::account::Account;
use super::cells::{CellTable, Cells};
use super::growth::{Array, Growth, PARTS, Plan, Steps};
use super::image;
use super::index::{Index, IndexRef};
use super::peak::stage::StageTable;
use super::region::{FrameBuffer, Head, Parts, Region, Tables};
use super::slot::ThreadSlot;
use super::space::Space;
use super::stacks::{StackTable, Stacks};
use super::tags::Tags;
use super::threads::{ThreadTable, Threads};
use super::timeline::Timeline;
use crate::limits::{FIRST_CELLS, FIRST_HEADS, FIRST_NODES, FIRST_THREADS};
use core::mem::offset_of;
use core::ptr::with_exposed_provenance;

/// A [`Region`] that is not a static. It has a part of the address space that is far from everything else, and maps only the
/// memory that its tables use. So large tables cost a small program nothing: neither address space (`ulimit -v`,
/// `ulimit -d`) nor, where memory is locked (`mlockall`), memory. When the system refuses more, the tables are full. It
/// exists with `std`.
///
/// The parameters are those of [`Region`].
///
/// ```
/// use memtrack::{DefaultPlatform, DefaultUnwind, GrowingRegion, Tracker};
/// use std::alloc::System;
///
/// type Large = GrowingRegion<{ 1 << 22 }, { 1 << 20 }, 1024, 64, 256, 128>;
/// static HEAP: Tracker<System, DefaultUnwind, DefaultPlatform, Large> = Tracker::growing(System);
/// # assert_eq!(HEAP.check(), Ok(()));
/// ```
#[repr(transparent)]
pub struct GrowingRegion<
    const NODES: usize,
    const CELLS: usize,
    const THREADS: usize,
    const STAGES: usize,
    const TAGS: usize,
    const DEPTH: usize,
>(Region<NODES, CELLS, THREADS, STAGES, TAGS, DEPTH>);

const fn least(a: usize, b: usize) -> usize {
    if a < b { a } else { b }
}

/// The indexes of a part's [`Plan`] and of its extent.
const NODES: usize = 0;
const NODE_HEADS: usize = 1;
const CELLS: usize = 2;
const CELL_HEADS: usize = 3;
const THREADS: usize = 4;

/// The arrays in their order in memory: the index of the plan, and of the array in it.
const ARRAYS: [(usize, usize); 8] = [
    (THREADS, 0),
    (NODES, 0),
    (NODE_HEADS, 0),
    (NODES, 1),
    (CELLS, 0),
    (CELL_HEADS, 0),
    (CELLS, 1),
    (CELLS, 2),
];

impl<const N: usize, const C: usize, const T: usize, const S: usize, const G: usize, const D: usize>
    GrowingRegion<N, C, T, S, G, D>
{
    /// Entries of each part that have memory from the start.
    const FIRST: [usize; PARTS] = [
        least(FIRST_NODES, N),
        least(FIRST_HEADS, N),
        least(FIRST_CELLS, C),
        least(FIRST_HEADS, C),
        least(FIRST_THREADS, T),
    ];

    const NODE_INDEX: usize = offset_of!(Region<N, C, T, S, G, D>, stacks) + offset_of!(StackTable<N>, index);
    const CELL_INDEX: usize = offset_of!(Region<N, C, T, S, G, D>, cells) + offset_of!(CellTable<C>, index);

    const PLANS: &'static [Plan; PARTS] = &[
        Plan {
            arrays: &[
                Array {
                    offset: offset_of!(Region<N, C, T, S, G, D>, stacks) + offset_of!(StackTable<N>, nodes),
                    stride: StackTable::<N>::STRIDE,
                },
                Array { offset: Self::NODE_INDEX + offset_of!(Index<N>, links), stride: size_of::<u32>() },
            ],
            capacity: N,
        },
        Plan {
            arrays: &[Array {
                offset: Self::NODE_INDEX + offset_of!(Index<N>, heads),
                stride: size_of::<u32>(),
            }],
            capacity: N,
        },
        Plan {
            arrays: &[
                Array {
                    offset: offset_of!(Region<N, C, T, S, G, D>, cells) + offset_of!(CellTable<C>, cells),
                    stride: size_of::<Account>(),
                },
                Array { offset: Self::CELL_INDEX + offset_of!(Index<C>, links), stride: size_of::<u32>() },
                Array {
                    offset: offset_of!(Region<N, C, T, S, G, D>, cells) + offset_of!(CellTable<C>, threads),
                    stride: size_of::<u16>(),
                },
            ],
            capacity: C,
        },
        Plan {
            arrays: &[Array {
                offset: Self::CELL_INDEX + offset_of!(Index<C>, heads),
                stride: size_of::<u32>(),
            }],
            capacity: C,
        },
        Plan {
            arrays: &[Array {
                offset: offset_of!(Region<N, C, T, S, G, D>, threads) + offset_of!(ThreadTable<T>, slots),
                stride: size_of::<ThreadSlot>(),
            }],
            capacity: T,
        },
    ];

    #[inline(always)]
    fn steps(&self, part: usize) -> Steps<'_> {
        Steps {
            extent: &self.0.head.extents.tables[part],
            space: &self.0.head.extents.space,
            base: core::ptr::from_ref(self).addr(),
            plan: &Self::PLANS[part],
        }
    }

    /// The pages that have memory from the start, of a region at `base`: all but the ends of arrays, as address and length.
    fn pieces(base: usize, page: usize) -> [(usize, usize); ARRAYS.len() + 1] {
        let (mut begin, mut mapped) = (0, base);
        let mut piece = |end: usize, next: usize| {
            // Neighbours may have a page in common.
            let start = mapped.max(base + begin / page * page);
            mapped = mapped.max((base + end).next_multiple_of(page));
            begin = next;
            (start, mapped.saturating_sub(start))
        };
        let mut pieces = [(0, 0); ARRAYS.len() + 1];
        for (to, (part, array)) in pieces.iter_mut().zip(ARRAYS) {
            let Plan { arrays, capacity, .. } = &Self::PLANS[part];
            let Array { offset, stride } = arrays[array];
            *to = piece(offset + Self::FIRST[part] * stride, offset + capacity * stride);
        }
        pieces[ARRAYS.len()] = piece(size_of::<Self>(), 0);
        pieces
    }

    /// Maps at `base` the pages that have memory from the start. Maps none, when something is in the way or the system refuses.
    fn map(base: usize, space: &Space) -> bool {
        let pieces = Self::pieces(base, (space.page_size)());
        let is_mapped = |&(start, len): &(usize, usize)| len == 0 || (space.map)(start, len);
        let mapped = pieces.iter().take_while(|piece| is_mapped(piece)).count();
        if mapped < pieces.len() {
            Self::unmap(&pieces[..mapped], space);
        }
        mapped == pieces.len()
    }

    fn unmap(pieces: &[(usize, usize)], space: &Space) {
        let pieces = pieces.iter().filter(|(_, len)| *len > 0);
        pieces.for_each(|&(start, len)| (space.unmap)(start, len));
    }

    /// The region at `base`, whose parts have memory for so many entries.
    fn at(base: usize, entries: [usize; PARTS], space: &'static Space) -> &'static Self {
        // SAFETY: all memory that a region reads and writes is mapped, zeroed, and stays: its head, the tables that do not grow,
        // and of the others the entries within its extents. It consists of atomic integers and locks, for which all-zero is
        // a value. A reference to such cells asserts nothing of pages that no access touches.
        let region = unsafe { &*with_exposed_provenance::<Self>(base) };
        let extents = &region.0.head.extents;
        extents.space.set(space);
        extents.tables.iter().zip(entries).for_each(|(extent, entries)| extent.begin(entries));
        region
    }
}

impl<const N: usize, const C: usize, const T: usize, const S: usize, const G: usize, const D: usize> Tables
    for GrowingRegion<N, C, T, S, G, D>
{
}

impl<const N: usize, const C: usize, const T: usize, const S: usize, const G: usize, const D: usize> Parts
    for GrowingRegion<N, C, T, S, G, D>
{
    type Frames = FrameBuffer<D>;
    type Stages = StageTable<S, T>;
    const IMAGE: [u32; image::WORDS] = Region::<N, C, T, S, G, D>::IMAGE;
    const IS_STATIC: bool = false;

    #[cfg(recorded_from_start)]
    const LATER: [core::ops::Range<usize>; 6] = Region::<N, C, T, S, G, D>::ANNOUNCED;

    #[cfg(recorded_from_start)]
    fn in_memory(address: usize, space: &'static Space) -> &'static Self {
        Self::at(address, [N, N, C, C, T], space)
    }

    fn place(space: &'static Space) -> Option<&'static Self> {
        let size = size_of::<Self>();
        if let Some(base) = (space.find_lonely)(size, &mut |base| Self::map(base, space)) {
            return Some(Self::at(base, Self::FIRST, space));
        }
        // Anywhere else, something could be mapped between the arrays: the whole region is mapped at once.
        Some(Self::at((space.map_anywhere)(size)?, [N, N, C, C, T], space))
    }

    fn give_back(&'static self) {
        let base = core::ptr::from_ref(self).addr();
        let Some(space) = self.0.head.extents.space.get() else { return };
        match self.steps(NODE_HEADS).is_complete() {
            true => Self::unmap(&[(base, size_of::<Self>())], space),
            false => Self::unmap(&Self::pieces(base, (space.page_size)()), space),
        }
    }

    fn complete(&self) -> bool {
        (0..PARTS).all(|part| self.steps(part).complete())
    }

    fn publish(&self, header: &[u32; image::WORDS]) {
        self.0.publish(header);
    }
    #[inline]
    fn head(&self) -> &Head {
        self.0.head()
    }
    #[inline]
    fn threads(&self) -> Threads<'_> {
        Threads { growth: Growth::Stepwise(self.steps(THREADS)), ..self.0.threads() }
    }
    #[inline]
    fn stacks(&self) -> Stacks<'_> {
        let table = &self.0.stacks;
        let index = IndexRef { growth: Growth::Stepwise(self.steps(NODE_HEADS)), ..table.index.by_ref() };
        Stacks { index, growth: Growth::Stepwise(self.steps(NODES)), ..table.by_ref() }
    }
    #[inline]
    fn cells(&self) -> Cells<'_> {
        let table = &self.0.cells;
        let index = IndexRef { growth: Growth::Stepwise(self.steps(CELL_HEADS)), ..table.index.by_ref() };
        Cells { index, growth: Growth::Stepwise(self.steps(CELLS)), ..table.by_ref() }
    }
    fn tags(&self) -> Tags<'_> {
        self.0.tags()
    }
    fn heaps(&self) -> Tags<'_> {
        self.0.heaps()
    }
    fn stages(&self) -> &crate::lock::Lock<Self::Stages> {
        self.0.stages()
    }
    fn timeline(&self) -> &crate::lock::Lock<Timeline> {
        self.0.timeline()
    }
}

// An address space of 32 bits has no places for tables that grow.
#[cfg(all(test, target_pointer_width = "64"))]
mod tests {
    use super::super::cells::Key;
    use super::super::stacks::StackId;
    use super::*;
    use crate::session::space::SPACE;

    type Small = GrowingRegion<{ 1 << 16 }, { 1 << 14 }, 8, 4, 4, 16>;

    #[test]
    fn what_has_memory_from_the_start_is_in_order_and_small() {
        let base = 1 << 30;
        let pieces: Vec<_> = Small::pieces(base, 4096).into_iter().filter(|(_, len)| *len > 0).collect();
        assert!(pieces.windows(2).all(|two| two[0].0 + two[0].1 <= two[1].0), "{pieces:x?}");
        assert_eq!(pieces[0].0, base);
        let last = pieces[pieces.len() - 1];
        assert_eq!(last.0 + last.1, base + size_of::<Small>());
        let bytes: usize = pieces.iter().map(|(_, len)| len).sum();
        assert!(bytes < size_of::<Small>() / 4, "{bytes} of {}", size_of::<Small>());
    }

    #[test]
    fn tables_grow_to_their_ends_and_can_be_given_back() {
        let region = Small::place(&SPACE).expect("memory");
        let key = |n: u32| Key { thread: 2, tag: 0, heap: 0, stack: StackId(n), cut: false };
        let nodes = (0..1 << 17).map_while(|n| region.stacks().child(StackId::ROOT, 0x1000 + n));
        assert_eq!(nodes.count(), (1 << 16) - 1);
        let cells = (0..1 << 15).map_while(|n| region.cells().find_or_insert(key(n)));
        assert_eq!(cells.count(), (1 << 14) - 1);
        assert_eq!(region.cells().find_or_insert(key(9)), Some(10));
        assert_eq!(
            (region.stacks().nodes_from(0).count(), region.cells().of_thread(2).count()),
            ((1 << 16) - 1, 0)
        );
        assert!(region.complete());
        region.give_back();
        assert!(Small::place(&SPACE).is_some());
    }

    /// A damaged trailer may name any cell.
    #[test]
    fn cells_without_memory_are_nobodys() {
        let region = Small::place(&SPACE).expect("memory");
        let there = |id: u32| (region.cells().get(id).is_some(), region.cells().owned(id).is_some());
        assert_eq!(there(FIRST_CELLS as u32 - 1), (true, true));
        assert_eq!(there(FIRST_CELLS as u32), (false, false));
        assert_eq!(there((1 << 24) - 1), (false, false));
        assert_eq!(region.cells().usage(), (0, (1 << 14) - 1));
    }
}
