//! The libraries that were loaded at some time, with their generations.

use crate::lock::Lock;
use crate::lock::try_lock;
use crate::os::modules::{self, Each, MAX_SEGMENTS, PAGE, Read};
use crate::sync::*;
use core::cell::UnsafeCell;
use heapless::Vec;
use memtrack_format::{Module, Segment};

/// Libraries that are listed: a megabyte of address space, of which what is used becomes resident.
pub(super) const MAX: usize = 1024;
/// Bytes of a path that are kept: a library of a longer one has no names once it is gone.
const MAX_PATH: usize = 512;
pub(super) const LAST: usize = 31;

pub(super) struct Listed {
    /// Its range of addresses, from the beginning of a page.
    start: AtomicUsize,
    end: AtomicUsize,
    identity: AtomicUsize,
    pub(super) generation: AtomicUsize,
    /// Whether it was loaded when libraries were listed last.
    pub(super) is_loaded: AtomicBool,
    pub(super) described: UnsafeCell<Described>,
}

pub(super) struct Described {
    pub(super) path: Vec<u8, MAX_PATH>,
    pub(super) build_id: Vec<u8, { modules::MAX_BUILD_ID }>,
    pub(super) bias: u64,
    pub(super) segments: Vec<Segment, { MAX_SEGMENTS }>,
}

// SAFETY: a description is written under the lock, before `USED` counts it, and never again.
unsafe impl Sync for Listed {}

static LISTED: [Listed; MAX] = [const {
    Listed {
        start: AtomicUsize::new(0),
        end: AtomicUsize::new(0),
        identity: AtomicUsize::new(0),
        generation: AtomicUsize::new(0),
        is_loaded: AtomicBool::new(false),
        described: UnsafeCell::new(Described {
            path: Vec::new(),
            build_id: Vec::new(),
            bias: 0,
            segments: Vec::new(),
        }),
    }
}; MAX];
/// How many there are.
static USED: AtomicUsize = AtomicUsize::new(0);
static WRITER: Lock<()> = Lock::new(());
/// There were more than can be listed.
static IS_FULL: AtomicBool = AtomicBool::new(false);
pub(super) fn listed() -> &'static [Listed] {
    LISTED.get(..USED.load(Acquire)).unwrap_or(&LISTED)
}

/// A range of addresses, from the beginning of a page.
#[derive(Clone, Copy)]
pub(super) struct Range {
    start: usize,
    end: usize,
}

impl Range {
    pub(super) fn new(start: usize, end: usize) -> Range {
        Range { start: start & !(PAGE - 1), end }
    }

    pub(super) fn of(module: &Module<'_>) -> Option<Range> {
        let start = module.segments.iter().map(|segment| segment.start).min()?;
        let end = module.segments.iter().map(|segment| segment.start.wrapping_add(segment.length)).max()?;
        Some(Range::new(start as usize, end as usize))
    }

    /// What tells the module that is loaded there from others: its first page has its headers, and its build id.
    /// 0 when it cannot be read.
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

    /// The generation of the module that is loaded there.
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
        if next > LAST || IS_FULL.load(Relaxed) { Generation::Unknown } else { Generation::New(next) }
    }
}

/// What is known of a module's generation.
pub(super) enum Generation {
    /// It is among the listed ones.
    Listed(usize),
    /// It is not, and has the next one of its place.
    New(usize),
    /// It cannot be told from one that was unloaded.
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

pub(super) fn list(source: &dyn Fn(Each<'_>)) {
    let Some(_writer) = try_lock(&WRITER) else { return };
    let mut loaded = [0u64; MAX / 64];
    source(&mut |module, read| {
        let Some(range) = Range::of(module) else { return };
        match range.generation(read) {
            Generation::Listed(generation) => set_loaded(range, generation, &mut loaded),
            Generation::New(generation) => {
                add(module, range, generation, read);
                set_loaded(range, generation, &mut loaded);
            }
            Generation::Unknown => {}
        }
    });
    for (i, listed) in listed().iter().enumerate() {
        listed.is_loaded.store(loaded[i / 64] & 1 << (i % 64) != 0, Relaxed);
    }
}

/// Sets the bits of the listed module there.
pub(super) fn set_loaded(range: Range, generation: usize, loaded: &mut [u64; MAX / 64]) {
    for (i, listed) in listed().iter().enumerate() {
        if listed.start.load(Relaxed) == range.start && listed.generation.load(Relaxed) == generation {
            loaded[i / 64] |= 1 << (i % 64);
        }
    }
}

fn add(module: &Module<'_>, range: Range, generation: usize, read: Read<'_>) {
    let used = USED.load(Relaxed);
    let Some(listed) = LISTED.get(used) else { return IS_FULL.store(true, Relaxed) };
    listed.start.store(range.start, Relaxed);
    listed.end.store(range.end, Relaxed);
    listed.identity.store(range.identity(read), Relaxed);
    listed.generation.store(generation, Relaxed);
    // SAFETY: the lock is held, and nobody reads an entry that is not counted.
    let described = unsafe { &mut *listed.described.get() };
    *described = Described {
        path: Vec::from_slice(module.path).unwrap_or_default(),
        build_id: Vec::from_slice(module.build_id).unwrap_or_default(),
        bias: module.bias,
        segments: module.segments.iter().take(MAX_SEGMENTS).collect(),
    };
    USED.store(used + 1, Release);
}
