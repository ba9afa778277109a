//! Generations of the modules that were loaded at one place.
//!
//! Libraries are unloaded, and others are loaded at their addresses. Stacks and the list of modules must tell them apart.
//!
//! At the program's start, and whenever something may be unloaded, the loaded libraries are listed. A library that is loaded
//! where another one was listed gets the next *generation* of the place. Its addresses carry the generation in bits that no
//! address of a program uses, in stacks and in the list of modules alike.

use crate::lock::Lock;
use crate::lock::try_lock;
use crate::os::modules::{self, Each, MAX_SEGMENTS, PAGE, Read, read_mapped};
use crate::os::unwind_tables;
use crate::sync::*;
use core::cell::UnsafeCell;
use heapless::Vec;
use memtrack_format::{List, Module, Segment};

/// Counts unloading.
static UNLOADS: AtomicUsize = AtomicUsize::new(0);

/// How often libraries were, or may have been, unloaded. After another count than before, the code at any address may be
/// another library's.
#[cfg(cfi)]
#[inline(always)]
pub(crate) fn unloads() -> usize {
    UNLOADS.load(Relaxed)
}

/// Counts that libraries may be unloaded.
pub(super) fn count_unloading() {
    UNLOADS.fetch_add(1, AcqRel);
}

/// Libraries that are listed: a megabyte of address space, of which what is used becomes resident.
const MAX: usize = 1024;
/// Bytes of a path that are kept: a library of a longer one has no names once it is gone.
const MAX_PATH: usize = 512;
/// From this bit on an address has its generation, so that with the most generations it is still a number that JSON can
/// carry.
const SHIFT: u32 = 48;
const LAST: usize = 31;

struct Listed {
    /// Its range of addresses, from the beginning of a page.
    start: AtomicUsize,
    end: AtomicUsize,
    identity: AtomicUsize,
    generation: AtomicUsize,
    /// Whether it was loaded when libraries were listed last.
    is_loaded: AtomicBool,
    described: UnsafeCell<Described>,
}

struct Described {
    path: Vec<u8, MAX_PATH>,
    build_id: Vec<u8, { modules::MAX_BUILD_ID }>,
    bias: u64,
    segments: Vec<Segment, { MAX_SEGMENTS }>,
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
/// Something may have been unloaded: until then nothing is at the place of something else.
static ANY_UNLOADED: AtomicBool = AtomicBool::new(false);

fn listed() -> &'static [Listed] {
    LISTED.get(..USED.load(Acquire)).unwrap_or(&LISTED)
}

/// A range of addresses, from the beginning of a page.
#[derive(Clone, Copy)]
struct Range {
    start: usize,
    end: usize,
}

impl Range {
    fn new(start: usize, end: usize) -> Range {
        Range { start: start & !(PAGE - 1), end }
    }

    fn of(module: &Module<'_>) -> Option<Range> {
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
    fn generation(self, read: Read<'_>) -> Generation {
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
enum Generation {
    /// It is among the listed ones.
    Listed(usize),
    /// It is not, and has the next one of its place.
    New(usize),
    /// It cannot be told from one that was unloaded.
    Unknown,
}

impl Generation {
    fn get(self) -> Option<usize> {
        match self {
            Generation::Listed(generation) | Generation::New(generation) => Some(generation),
            Generation::Unknown => None,
        }
    }
}

/// At the program's start: notes the libraries that are there, for when `/proc` is not.
pub(crate) fn begin() {
    list(&|each| modules::each_linked(each));
}

/// Before something is unloaded: notes the libraries that are there.
pub(crate) fn before_unloading() {
    ANY_UNLOADED.store(true, Release);
    list(&loaded);
}

/// After something was unloaded: where the kernel does not list what is loaded, the notes do.
pub(crate) fn after_unloading() {
    if !crate::os::modules::is_listed() {
        list(&loaded);
    }
}

/// The libraries that are loaded, outside the hook.
fn loaded(each: Each<'_>) {
    if !modules::each(each) {
        modules::each_linked(each);
    }
}

fn list(source: &dyn Fn(Each<'_>)) {
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
fn set_loaded(range: Range, generation: usize, loaded: &mut [u64; MAX / 64]) {
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

/// Calls `each` for every module, as its addresses stand in stacks: first those that are loaded, then those that were. No
/// lock is taken.
pub(crate) fn modules(each: &mut dyn FnMut(&Module<'_>)) {
    // Those of the listed ones that are loaded.
    let mut loaded = [0u64; MAX / 64];
    let any_unloaded = ANY_UNLOADED.load(Acquire);
    let is_listed = modules::each(&mut |module, read| {
        let range = Range::of(module);
        let generation = match range {
            Some(range) if any_unloaded => range.generation(read).get().unwrap_or(LAST + 1),
            _ => 0,
        };
        if let Some(range) = range {
            set_loaded(range, generation, &mut loaded);
        }
        with_generation(module, generation, each);
    });
    for (i, listed) in listed().iter().enumerate() {
        // SAFETY: it is counted, so it is not written any more.
        let Described { path, build_id, bias, segments } = unsafe { &*listed.described.get() };
        let unloaded = is_listed || !listed.is_loaded.load(Relaxed);
        if loaded[i / 64] & 1 << (i % 64) == 0 && !path.is_empty() {
            let segments = List::Items(segments);
            let module = Module { path, build_id, bias: *bias, unloaded, segments, ..Module::default() };
            with_generation(&module, listed.generation.load(Relaxed), each);
        }
    }
}

fn with_generation(module: &Module<'_>, generation: usize, each: &mut dyn FnMut(&Module<'_>)) {
    let by = (generation as u64) << SHIFT;
    let moved = |segment: Segment| Segment { start: segment.start.wrapping_add(by), ..segment };
    let segments: Vec<Segment, { MAX_SEGMENTS }> = module.segments.iter().map(moved).collect();
    each(&Module { bias: module.bias.wrapping_add(by), segments: List::Items(&segments), ..*module });
}

/// Tells the generations of the addresses of one walk after the other: of modules, the one asked for last is kept. All-zero
/// is the start. It does not outlive what [`crate::session::unloading::count`] counts.
#[derive(Default)]
pub(crate) struct Generations {
    start: usize,
    end: usize,
    /// Its generation, one past the last where it cannot be told.
    generation: usize,
}

impl Generations {
    /// The address with its generation. `None` when the module cannot be told from one that was unloaded.
    #[inline(always)]
    pub(crate) fn address(&mut self, pc: usize) -> Option<usize> {
        if ANY_UNLOADED.load(Relaxed) { self.with_generation(pc) } else { Some(pc) }
    }

    #[cold]
    fn with_generation(&mut self, pc: usize) -> Option<usize> {
        if !(self.start..self.end).contains(&pc) {
            // Code that the dynamic linker does not know is no library's.
            let Some((start, end)) = unwind_tables::range(pc) else { return Some(pc) };
            let generation = Range::new(start, end).generation(&read_mapped).get().unwrap_or(LAST + 1);
            *self = Generations { start, end, generation };
        }
        (self.generation <= LAST).then_some(pc | self.generation << SHIFT)
    }
}
