//! The list of libraries that have been loaded, with their generations.
//!
//! - **Entry** ([`Listed`]): one library. It is written once, and published by the count. So readers need no lock.
//! - **Identity**: a hash of a library's first page, which has its headers and its build id. Two libraries at the same
//!   address differ in it.
//! - **Listing**: adds the loaded libraries that have no entry, and notes for each entry whether it is loaded.

use crate::limits::{LAST_GENERATION, LISTED_MODULES, LISTED_PATH};
use crate::lock::Lock;
use crate::lock::try_lock;
use crate::os::modules::{self, Each, MAX_SEGMENTS, PAGE, Read};
use crate::sync::*;
use core::cell::UnsafeCell;
use heapless::Vec;
use memtrack_format::{Module, Segment};

pub(super) struct Listed {
    /// The range of addresses, from the start of a page.
    start: AtomicUsize,
    end: AtomicUsize,
    identity: AtomicUsize,
    pub(super) generation: AtomicUsize,
    /// Whether the last listing found it loaded.
    pub(super) is_loaded: AtomicBool,
    description: UnsafeCell<Description>,
}

/// The facts about a library that a dump needs after it is unloaded.
pub(super) struct Description {
    /// Empty when it is longer than [`LISTED_PATH`].
    pub(super) path: Vec<u8, LISTED_PATH>,
    pub(super) build_id: Vec<u8, { modules::MAX_BUILD_ID }>,
    pub(super) bias: u64,
    pub(super) segments: Vec<Segment, { MAX_SEGMENTS }>,
}

// SAFETY: only `add` writes a description: under the lock, before `USED` counts the entry, and never again. Readers reach
// only entries that `USED` counts. The rest is atomics.
unsafe impl Sync for Listed {}

static LISTED: [Listed; LISTED_MODULES] = [const {
    Listed {
        start: AtomicUsize::new(0),
        end: AtomicUsize::new(0),
        identity: AtomicUsize::new(0),
        generation: AtomicUsize::new(0),
        is_loaded: AtomicBool::new(false),
        description: UnsafeCell::new(Description {
            path: Vec::new(),
            build_id: Vec::new(),
            bias: 0,
            segments: Vec::new(),
        }),
    }
}; LISTED_MODULES];
/// Entries in use.
static USED: AtomicUsize = AtomicUsize::new(0);
static WRITER: Lock<()> = Lock::new(());
/// A library has no entry, because all were in use.
static IS_FULL: AtomicBool = AtomicBool::new(false);

/// Returns the entries in use.
pub(super) fn listed() -> &'static [Listed] {
    LISTED.get(..USED.load(Acquire)).unwrap_or(&LISTED)
}

impl Listed {
    pub(super) fn description(&'static self) -> &'static Description {
        // SAFETY: `listed` and `USED` give out only entries that are counted, and nobody writes their descriptions any more.
        unsafe { &*self.description.get() }
    }
}

/// A set of entries, by their positions in the list.
pub(super) struct Entries([u64; LISTED_MODULES / 64]);

impl Entries {
    pub(super) const NONE: Self = Entries([0; LISTED_MODULES / 64]);

    pub(super) fn contains(&self, position: usize) -> bool {
        self.0.get(position / 64).is_some_and(|word| word & 1 << (position % 64) != 0)
    }

    /// Adds the entries with this address and generation.
    pub(super) fn insert(&mut self, range: Range, generation: usize) {
        for (position, listed) in listed().iter().enumerate() {
            if listed.start.load(Relaxed) == range.start
                && listed.generation.load(Relaxed) == generation
                && let Some(word) = self.0.get_mut(position / 64)
            {
                *word |= 1 << (position % 64);
            }
        }
    }
}

/// The range of addresses of a library, from the start of a page.
#[derive(Clone, Copy)]
pub(super) struct Range {
    start: usize,
    end: usize,
}

impl Range {
    pub(super) fn new(start: usize, end: usize) -> Range {
        Range { start: start & !(PAGE - 1), end }
    }

    /// The range of all segments of a module; `None` when it has no segment.
    pub(super) fn of(module: &Module<'_>) -> Option<Range> {
        let start = module.segments.iter().map(|segment| segment.start).min()?;
        let end = module.segments.iter().map(|segment| segment.start.wrapping_add(segment.length)).max()?;
        Some(Range::new(start as usize, end as usize))
    }

    /// Returns the identity of the library that is loaded there; 0 when its first page cannot be read.
    fn identity(self, read: Read<'_>) -> usize {
        const PART: usize = 512;
        let mut hash = 1usize;
        for part in 0..PAGE / PART {
            let mut bytes = [0; PART];
            if !read(self.start.wrapping_add(part * PART), &mut bytes) {
                return 0;
            }
            for word in bytes.as_chunks::<{ size_of::<usize>() }>().0 {
                hash = (hash ^ usize::from_ne_bytes(*word)).wrapping_mul(0x9E37_79B1).rotate_left(13);
            }
        }
        hash
    }

    /// Returns the generation of the library that is loaded there.
    pub(super) fn generation(self, read: Read<'_>) -> Generation {
        let mut next = 0;
        let mut identity = None;
        for listed in listed() {
            let (start, end) = (listed.start.load(Relaxed), listed.end.load(Relaxed));
            if self.start < end && start < self.end {
                let generation = listed.generation.load(Relaxed);
                let identity = *identity.get_or_insert_with(|| self.identity(read));
                if start == self.start && listed.identity.load(Relaxed) == identity {
                    return Generation::Listed(generation);
                }
                next = next.max(generation + 1);
            }
        }
        if next > LAST_GENERATION || IS_FULL.load(Relaxed) {
            Generation::Unknown
        } else {
            Generation::New(next)
        }
    }
}

/// The generation of a library, as far as it is known.
pub(super) enum Generation {
    /// The library has an entry.
    Listed(usize),
    /// The library has no entry, and gets the next generation of its addresses.
    New(usize),
    /// The library may be another one than the list says: the list, or the generations, are used up.
    Unknown,
}

impl Generation {
    pub(super) fn get(self) -> Option<usize> {
        match self {
            Generation::Listed(generation) | Generation::New(generation) => Some(generation),
            Generation::Unknown => None,
        }
    }
}

/// Lists the libraries that `source` reports. A call during another one does nothing.
pub(super) fn list(source: &dyn Fn(Each<'_>)) {
    let Some(_writer) = try_lock(&WRITER) else { return };
    let mut loaded = Entries::NONE;
    source(&mut |module, read| {
        let Some(range) = Range::of(module) else { return };
        match range.generation(read) {
            Generation::Listed(generation) => loaded.insert(range, generation),
            Generation::New(generation) => {
                add(module, range, generation, read);
                loaded.insert(range, generation);
            }
            Generation::Unknown => {}
        }
    });
    for (position, listed) in listed().iter().enumerate() {
        listed.is_loaded.store(loaded.contains(position), Relaxed);
    }
}

/// Adds an entry. The caller holds the lock.
fn add(module: &Module<'_>, range: Range, generation: usize, read: Read<'_>) {
    let used = USED.load(Relaxed);
    let Some(listed) = LISTED.get(used) else { return IS_FULL.store(true, Relaxed) };
    listed.start.store(range.start, Relaxed);
    listed.end.store(range.end, Relaxed);
    listed.identity.store(range.identity(read), Relaxed);
    listed.generation.store(generation, Relaxed);
    // SAFETY: the caller holds the lock, so nobody else writes the entry; and nobody reads an entry that is not counted.
    let description = unsafe { &mut *listed.description.get() };
    *description = Description {
        path: Vec::from_slice(module.path).unwrap_or_default(),
        build_id: Vec::from_slice(module.build_id).unwrap_or_default(),
        bias: module.bias,
        segments: module.segments.iter().take(MAX_SEGMENTS).collect(),
    };
    USED.store(used + 1, Release);
}
