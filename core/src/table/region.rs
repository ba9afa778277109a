//! The region: all tables in one static of fixed size.

use super::account::Account;
#[cfg(not(feature = "std"))]
use super::capacity::capacity;
use super::cells::{CellTable, Cells};
use super::image::{self, Image, assert_layout, place};
#[cfg(recorded_from_start)]
use super::index::Index;
use super::losses::Losses;
use super::peak::Marks;
#[cfg(feature = "std")]
use super::peak::credit::Credit;
use super::peak::stage::StageTable;
use super::pending::Pending;
#[cfg(feature = "std")]
use super::private_pages::PrivatePages;
use super::slot::ThreadSlot;
use super::stacks::{StackTable, Stacks};
use super::tags::{TagTable, Tags};
use super::threads::{ThreadTable, Threads};
use super::timeline::Timeline;
use crate::counter::Counter;
use crate::limits::HEAPS;
use crate::lock::Lock;
use crate::sync::*;
use core::mem::offset_of;
use memtrack_format::image::{key, records};

/// All tables of one tracker, with capacities of the user's choice. All-zero, so it adds nothing to the binary;
/// pages that are not used are not resident.
///
/// | parameter | meaning | limits |
/// |---|---|---|
/// | `NODES` | distinct stack frames (caller, address) | power of two, ≤ 2²⁴ |
/// | `CELLS` | distinct combinations of thread, tag, heap and stack | power of two, ≤ 2²⁴ |
/// | `THREADS` | thread slots; two are the tracker's own | 3 … 65535 |
/// | `STAGES` | names of finished stages | any |
/// | `TAGS` | tags | ≤ 65534 |
/// | `DEPTH` | the most captured frames of a stack | any |
///
/// ```
/// use memtrack::{Region, Tracker};
/// use std::alloc::System;
///
/// static REGION: Region<4096, 4096, 16, 8, 8, 64> = Region::new();
/// static HEAP: Tracker<System, memtrack::DefaultUnwind, memtrack::DefaultPlatform, Region<4096, 4096, 16, 8, 8, 64>> =
///     Tracker::with_region(System, &REGION);
/// ```
#[repr(C)]
#[cfg_attr(all(any(target_pointer_width = "64", file_backed), not(large_pages)), repr(align(4096)))]
#[cfg_attr(large_pages, repr(align(16384)))]
pub struct Region<
    const NODES: usize,
    const CELLS: usize,
    const THREADS: usize,
    const STAGES: usize,
    const TAGS: usize,
    const DEPTH: usize,
> {
    pub(super) head: Head,
    pub(super) threads: ThreadTable<THREADS>,
    pub(super) stacks: StackTable<NODES>,
    pub(super) cells: CellTable<CELLS>,
    pub(super) tags: TagTable<TAGS>,
    /// Names of heaps: a tag table without outer tags.
    pub(super) heaps: TagTable<HEAPS>,
    pub(super) stages: Lock<StageTable<STAGES, THREADS>>,
    pub(super) timeline: Lock<Timeline>,
}

const _: () = assert!(HEAPS < 1 << key::HEAP_BITS, "a cell's key has seven bits for its heap");

/// The words that every event reads, and those that belong to no table.
#[repr(C)]
pub struct Head {
    /// The header of an image comes first. The part of the head that an image reads comes next.
    pub(crate) image: Image,
    pub(crate) marks: Marks,
    pub(crate) losses: Losses,
    /// Allocations that the inner allocator refused.
    pub(crate) failed: Counter,
    /// When the tracker started: the platform's nanoseconds.
    pub(crate) start: Counter,
    /// The same moment in nanoseconds since 1970, read once: it identifies the process in all its snapshots.
    pub(crate) start_unix: Counter,
    /// Snapshots written so far.
    pub(crate) snapshots: AtomicU32,
    /// The tracker that claimed the region: its address. 0 while it is free.
    pub(crate) claimed: AtomicUsize,
    /// The time of the timeline's next sample, since the start.
    pub(crate) next_sample: Counter,
    /// The figures that a forked process has from its parent.
    #[cfg(feature = "std")]
    pub(crate) inherited: super::inherited::Inherited,
    /// Pending work. From here on the head is private to the process: [`Self::private`].
    pub(crate) pending: Pending,
    #[cfg(feature = "std")]
    pub(crate) stage_cells: PrivatePages<super::peak::stage_cells::StageCellsMemory>,
    /// How far the tables of a growing region reach.
    #[cfg(feature = "std")]
    pub(super) extents: super::growth::Extents,
}

// The credit follows the header. What an image has of the marks ends with the head's last word.
const _: () = {
    let marks = Marks::offsets();
    assert_layout!(
        records::Head, slots 0, base Marks::IMAGE;
        marks[0], marks[1], marks[2], marks[3], marks[4], marks[5], marks[6],
        offset_of!(Head, losses) - offset_of!(Head, marks),
        offset_of!(Head, failed) - offset_of!(Head, marks),
        offset_of!(Head, start) - offset_of!(Head, marks),
        offset_of!(Head, start_unix) - offset_of!(Head, marks),
        offset_of!(Head, snapshots) - offset_of!(Head, marks),
    );
    assert!(
        offset_of!(Head, marks) + offset_of!(Marks, credit) == size_of::<Image>(),
        "the credit follows the header"
    );
};

impl Head {
    /// Where an image of the marks begins.
    const MARKS: usize = offset_of!(Head, marks) + Marks::IMAGE;

    /// The head of an empty region: all zeros.
    pub(crate) const fn new() -> Self {
        // SAFETY: it consists of atomic integers and of locks, for which all-zero is a value.
        unsafe { core::mem::zeroed() }
    }

    /// The offset of the number of thread slots that a forked process has from its parent.
    #[cfg(feature = "std")]
    pub(crate) const INHERITED: usize =
        offset_of!(Head, marks) + offset_of!(Marks, credit) + Credit::INHERITED;

    /// The bytes of a region that stay private to the process when a recording lays the rest over a file. They are whole pages
    /// where recordings are possible.
    #[cfg(all(feature = "std", not(recorded_from_start)))]
    pub(crate) const fn private() -> core::ops::Range<usize> {
        offset_of!(Head, pending)..size_of::<Head>()
    }
}

/// The words of a head that say which region and process it belongs to. They do not change.
#[cfg(feature = "std")]
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct HeadCopy {
    image: [u32; image::WORDS],
    start: u64,
    start_unix: u64,
    claimed: usize,
}

#[cfg(feature = "std")]
impl Head {
    pub(crate) fn copy(&self) -> HeadCopy {
        HeadCopy {
            image: self.image.copy(),
            start: self.start.get(),
            start_unix: self.start_unix.get(),
            claimed: self.claimed.load(Acquire),
        }
    }

    /// Writes the copy into a head that is all zero.
    pub(crate) fn restore(&self, copy: &HeadCopy) {
        self.image.restore(&copy.image);
        self.start.set(copy.start);
        self.start_unix.set(copy.start_unix);
        self.claimed.store(copy.claimed, Release);
    }
}

/// A [`Region`] of any size, as a tracker needs it. Its parts are not public.
pub trait Tables: Sync + 'static + sealed::Parts {}

mod sealed {
    use super::*;
    use crate::table::peak::stage::Stages;
    #[cfg(feature = "std")]
    use crate::table::space::Space;

    #[doc(hidden)]
    pub trait Parts: Sized {
        /// The buffer for a stack that is being captured.
        type Frames: AsMut<heapless::VecView<usize>> + Default;
        type Stages: Stages;
        /// The image's header of a region of this size.
        const IMAGE: [u32; image::WORDS];
        /// Whether it is a static; else its tracker [places](Self::place) it when it claims it.
        const IS_STATIC: bool = true;
        /// Maps an empty region. `None` when there is no memory for it.
        #[cfg(feature = "std")]
        fn place(_: &'static Space) -> Option<&'static Self> {
            None
        }
        /// The parts that are [announced](crate::table::backing) before their first use: offsets, in order.
        #[cfg(recorded_from_start)]
        const LATER: [core::ops::Range<usize>; 6];
        /// The empty region in zeroed bytes at an address, as many as a region has. They stay for ever, and all may be read.
        #[cfg(recorded_from_start)]
        fn in_memory(address: usize, space: &'static Space) -> &'static Self;
        /// Unmaps a region that was placed and that no tracker uses.
        #[cfg(feature = "std")]
        fn give_back(&'static self) {}
        /// Maps memory for all entries. False when there is none.
        fn complete(&self) -> bool {
            true
        }
        /// Writes the header of a region that was just claimed.
        fn publish(&self, header: &[u32; image::WORDS]);
        fn head(&self) -> &Head;
        fn threads(&self) -> Threads<'_>;
        fn stacks(&self) -> Stacks<'_>;
        fn cells(&self) -> Cells<'_>;
        fn tags(&self) -> Tags<'_>;
        fn heaps(&self) -> Tags<'_>;
        fn stages(&self) -> &Lock<Self::Stages>;
        fn timeline(&self) -> &Lock<Timeline>;
    }
}
pub(crate) use sealed::Parts;

/// The buffer for a stack of up to `DEPTH` frames.
pub struct FrameBuffer<const DEPTH: usize>(heapless::Vec<usize, DEPTH>);

impl<const DEPTH: usize> Default for FrameBuffer<DEPTH> {
    fn default() -> Self {
        FrameBuffer(heapless::Vec::new())
    }
}

impl<const DEPTH: usize> AsMut<heapless::VecView<usize>> for FrameBuffer<DEPTH> {
    fn as_mut(&mut self) -> &mut heapless::VecView<usize> {
        &mut self.0
    }
}

impl<const N: usize, const C: usize, const T: usize, const S: usize, const G: usize, const D: usize>
    Region<N, C, T, S, G, D>
{
    /// An empty region.
    #[must_use]
    #[allow(clippy::new_without_default, reason = "a region is a static, never a value")]
    pub const fn new() -> Self {
        Region {
            head: Head::new(),
            threads: ThreadTable::new(),
            stacks: StackTable::new(),
            cells: CellTable::new(),
            tags: TagTable::new(),
            heaps: TagTable::new(),
            stages: Lock::new(StageTable::new()),
            timeline: Lock::new(Timeline::new()),
        }
    }
}

#[cfg(recorded_from_start)]
impl<const N: usize, const C: usize, const T: usize, const S: usize, const G: usize, const D: usize>
    Region<N, C, T, S, G, D>
{
    /// The offsets of the arrays whose entries are announced, in order. The first slots and the first cell are not.
    pub(super) const ANNOUNCED: [core::ops::Range<usize>; 6] = {
        const fn array(offset: usize, stride: usize, first: usize, end: usize) -> core::ops::Range<usize> {
            offset + first * stride..offset + end * stride
        }
        const WORDS: usize = size_of::<[u32; 2]>();
        let threads = offset_of!(Self, threads) + offset_of!(ThreadTable<T>, slots);
        let (stacks, cells) = (offset_of!(Self, stacks), offset_of!(Self, cells));
        // The heads and the links of an index.
        let node_index = stacks + offset_of!(StackTable<N>, index);
        let cell_index = cells + offset_of!(CellTable<C>, index);
        [
            array(threads, size_of::<ThreadSlot>(), super::threads::FIRST as usize, T),
            array(stacks + offset_of!(StackTable<N>, nodes), StackTable::<N>::STRIDE, 0, N),
            array(node_index, WORDS, 0, N),
            array(cells + offset_of!(CellTable<C>, cells), size_of::<Account>(), 1, C),
            array(cell_index, WORDS, 0, C),
            array(cells + offset_of!(CellTable<C>, threads), size_of::<u16>(), 1, C),
        ]
    };
}

impl<const N: usize, const C: usize, const T: usize, const S: usize, const G: usize, const D: usize> Tables
    for Region<N, C, T, S, G, D>
{
}

impl<const N: usize, const C: usize, const T: usize, const S: usize, const G: usize, const D: usize> Parts
    for Region<N, C, T, S, G, D>
{
    type Frames = FrameBuffer<D>;
    type Stages = StageTable<S, T>;
    const IMAGE: [u32; image::WORDS] = image::header(
        size_of::<Self>(),
        D,
        Head::MARKS,
        offset_of!(Head, snapshots),
        T,
        [
            place(offset_of!(Self, threads), size_of::<ThreadSlot>(), T),
            place(offset_of!(Self, stacks), StackTable::<N>::STRIDE, N),
            place(offset_of!(Self, cells), size_of::<Account>(), C),
            place(offset_of!(Self, tags), TagTable::<G>::STRIDE, G),
            place(offset_of!(Self, heaps), TagTable::<HEAPS>::STRIDE, HEAPS),
            StageTable::<S, T>::FINISHED,
            StageTable::<S, T>::ACTIVE,
            Timeline::PLACE,
        ],
    );

    #[cfg(recorded_from_start)]
    const LATER: [core::ops::Range<usize>; 6] = Self::ANNOUNCED;

    #[cfg(recorded_from_start)]
    fn in_memory(address: usize, _: &'static crate::table::space::Space) -> &'static Self {
        // SAFETY: the caller upholds that the bytes are zeroed, mapped for ever and as many as a region has. They begin at a
        // page. A region consists of atomic integers and locks, for which all-zero is a value.
        unsafe { &*core::ptr::with_exposed_provenance::<Self>(address) }
    }

    fn publish(&self, header: &[u32; image::WORDS]) {
        self.head.image.publish(header, self.stages.as_ptr().cast(), self.timeline.as_ptr().cast());
    }

    #[inline]
    fn head(&self) -> &Head {
        &self.head
    }
    #[inline]
    fn threads(&self) -> Threads<'_> {
        self.threads.by_ref()
    }
    #[inline]
    fn stacks(&self) -> Stacks<'_> {
        self.stacks.by_ref()
    }
    #[inline]
    fn cells(&self) -> Cells<'_> {
        self.cells.by_ref()
    }
    fn tags(&self) -> Tags<'_> {
        self.tags.by_ref()
    }
    fn heaps(&self) -> Tags<'_> {
        self.heaps.by_ref()
    }
    fn stages(&self) -> &Lock<Self::Stages> {
        &self.stages
    }
    fn timeline(&self) -> &Lock<Timeline> {
        &self.timeline
    }
}

/// The region that [`Tracker::new`](crate::Tracker::new) uses on hosts: about 40 MB of address space, of which
/// only used pages become resident.
#[cfg(feature = "std")]
pub type DefaultRegion = Region<{ 1 << 18 }, { 1 << 18 }, 256, 64, 256, 128>;
/// The region that [`Tracker::new`](crate::Tracker::new) uses without `std`: fits into 16 KiB of RAM. The environment
/// variables `MEMTRACK_REGION_NODES`, `…_CELLS`, `…_THREADS`, `…_STAGES`, `…_TAGS` and `…_DEPTH` of the build change its
/// capacities.
#[cfg(not(feature = "std"))]
pub type DefaultRegion = Region<
    { capacity(option_env!("MEMTRACK_REGION_NODES"), 256) },
    { capacity(option_env!("MEMTRACK_REGION_CELLS"), 64) },
    { capacity(option_env!("MEMTRACK_REGION_THREADS"), 6) },
    { capacity(option_env!("MEMTRACK_REGION_STAGES"), 6) },
    { capacity(option_env!("MEMTRACK_REGION_TAGS"), 4) },
    { capacity(option_env!("MEMTRACK_REGION_DEPTH"), 24) },
>;

/// The default region. A symbol of its own, so that a debugger can find and save it.
#[unsafe(no_mangle)]
pub static MEMTRACK_REGION: DefaultRegion = Region::new();

#[cfg(all(test, file_backed))]
mod tests {
    use super::*;

    #[test]
    fn a_region_that_can_be_recorded_consists_of_whole_pages() {
        const PAGE: usize = 4096;
        type Small = Region<64, 64, 4, 1, 1, 8>;
        let private = Head::private();
        let places = [align_of::<Small>(), size_of::<Small>(), private.start, private.end];
        assert_eq!(places.map(|place| place % PAGE), [0; 4], "{places:?}");
    }
}
