//! Libraries that were unloaded: which they were, and how addresses in them are told from those in libraries that were
//! loaded at the same place later.
//!
//! At the program's start, and whenever something may be unloaded, the libraries that are there are noted. One that is loaded where another one was
//! noted has a *turn*: its addresses have it in bits that no address of a program uses, in the stacks and in the list of
//! modules alike.

use crate::lock::Lock;
use crate::lock::try_lock;
use crate::os::linux::elf::{MAX_SEGMENTS, PAGE, Read, read_mapped};
use crate::os::linux::modules;
use crate::os::linux::modules::Each;
use crate::os::linux::unwind_tables;
use crate::sync::*;
use core::cell::UnsafeCell;
use heapless::Vec;
use memtrack_format::{List, Module, Segment};

/// Libraries that are noted: a megabyte of address space, of which what is used becomes resident.
const MAX: usize = 1024;
/// Bytes of a path that are kept: a library of a longer one has no names once it is gone.
const MAX_PATH: usize = 512;
/// From this bit on an address has its turn, so that with the most turns it is still a number that JSON can carry.
const SHIFT: u32 = 48;
const MAX_TURN: usize = 31;

struct Noted {
    /// Its range of addresses, from the beginning of a page.
    start: AtomicUsize,
    end: AtomicUsize,
    identity: AtomicUsize,
    turn: AtomicUsize,
    /// Whether it was loaded when libraries were noted last.
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
unsafe impl Sync for Noted {}

static NOTED: [Noted; MAX] = [const {
    Noted {
        start: AtomicUsize::new(0),
        end: AtomicUsize::new(0),
        identity: AtomicUsize::new(0),
        turn: AtomicUsize::new(0),
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
/// There were more than can be noted.
static IS_FULL: AtomicBool = AtomicBool::new(false);
/// Something may have been unloaded: until then nothing is at the place of something else.
static ANY_UNLOADED: AtomicBool = AtomicBool::new(false);

fn noted() -> &'static [Noted] {
    NOTED.get(..USED.load(Acquire)).unwrap_or(&NOTED)
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

    /// The turn of the module that is loaded there.
    fn turn(self, read: Read<'_>) -> Turn {
        let mut next = 0;
        let mut identity = None;
        for noted in noted() {
            let (start, end) = (noted.start.load(Relaxed), noted.end.load(Relaxed));
            if self.start < end && start < self.end {
                let turn = noted.turn.load(Relaxed);
                let identity = *identity.get_or_insert_with(|| self.identity(read));
                if start == self.start && noted.identity.load(Relaxed) == identity {
                    return Turn::Noted(turn);
                }
                next = next.max(turn + 1);
            }
        }
        if next > MAX_TURN || IS_FULL.load(Relaxed) { Turn::Unknown } else { Turn::New(next) }
    }
}

/// What is known of a module's turn.
enum Turn {
    /// It is among the noted ones.
    Noted(usize),
    /// It is not, and has the next one of its place.
    New(usize),
    /// It cannot be told from one that was unloaded.
    Unknown,
}

impl Turn {
    fn get(self) -> Option<usize> {
        match self {
            Turn::Noted(turn) | Turn::New(turn) => Some(turn),
            Turn::Unknown => None,
        }
    }
}

/// At the program's start: notes the libraries that are there, for when `/proc` is not.
pub(crate) fn begin() {
    note(&|each| modules::each_linked(each));
}

/// Before something is unloaded: notes the libraries that are there.
pub(crate) fn before_unloading() {
    ANY_UNLOADED.store(true, Release);
    note(&loaded);
}

/// After something was unloaded: where the kernel does not list what is loaded, the notes do.
pub(crate) fn after_unloading() {
    if !crate::os::linux::maps::is_listed() {
        note(&loaded);
    }
}

/// The libraries that are loaded, outside the hook.
fn loaded(each: Each<'_>) {
    if !modules::each(each) {
        modules::each_linked(each);
    }
}

fn note(source: &dyn Fn(Each<'_>)) {
    let Some(_writer) = try_lock(&WRITER) else { return };
    let mut loaded = [0u64; MAX / 64];
    source(&mut |module, read| {
        let Some(range) = Range::of(module) else { return };
        match range.turn(read) {
            Turn::Noted(turn) => set_loaded(range, turn, &mut loaded),
            Turn::New(turn) => {
                add(module, range, turn, read);
                set_loaded(range, turn, &mut loaded);
            }
            Turn::Unknown => {}
        }
    });
    for (i, noted) in noted().iter().enumerate() {
        noted.is_loaded.store(loaded[i / 64] & 1 << (i % 64) != 0, Relaxed);
    }
}

/// Sets the bits of the noted module there.
fn set_loaded(range: Range, turn: usize, loaded: &mut [u64; MAX / 64]) {
    for (i, noted) in noted().iter().enumerate() {
        if noted.start.load(Relaxed) == range.start && noted.turn.load(Relaxed) == turn {
            loaded[i / 64] |= 1 << (i % 64);
        }
    }
}

fn add(module: &Module<'_>, range: Range, turn: usize, read: Read<'_>) {
    let used = USED.load(Relaxed);
    let Some(noted) = NOTED.get(used) else { return IS_FULL.store(true, Relaxed) };
    noted.start.store(range.start, Relaxed);
    noted.end.store(range.end, Relaxed);
    noted.identity.store(range.identity(read), Relaxed);
    noted.turn.store(turn, Relaxed);
    // SAFETY: the lock is held, and nobody reads an entry that is not counted.
    let described = unsafe { &mut *noted.described.get() };
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
    // Those of the noted ones that are loaded.
    let mut loaded = [0u64; MAX / 64];
    let any_unloaded = ANY_UNLOADED.load(Acquire);
    let is_listed = modules::each(&mut |module, read| {
        let range = Range::of(module);
        let turn = match range {
            Some(range) if any_unloaded => range.turn(read).get().unwrap_or(MAX_TURN + 1),
            _ => 0,
        };
        if let Some(range) = range {
            set_loaded(range, turn, &mut loaded);
        }
        with_turn(module, turn, each);
    });
    for (i, noted) in noted().iter().enumerate() {
        // SAFETY: it is counted, so it is not written any more.
        let Described { path, build_id, bias, segments } = unsafe { &*noted.described.get() };
        let unloaded = is_listed || !noted.is_loaded.load(Relaxed);
        if loaded[i / 64] & 1 << (i % 64) == 0 && !path.is_empty() {
            let segments = List::Items(segments);
            let module = Module { path, build_id, bias: *bias, unloaded, segments, ..Module::default() };
            with_turn(&module, noted.turn.load(Relaxed), each);
        }
    }
}

fn with_turn(module: &Module<'_>, turn: usize, each: &mut dyn FnMut(&Module<'_>)) {
    let by = (turn as u64) << SHIFT;
    let moved = |segment: Segment| Segment { start: segment.start.wrapping_add(by), ..segment };
    let segments: Vec<Segment, { MAX_SEGMENTS }> = module.segments.iter().map(moved).collect();
    each(&Module { bias: module.bias.wrapping_add(by), segments: List::Items(&segments), ..*module });
}

/// Tells the turns of the addresses of one walk after the other: of modules, the one asked for last is kept. All-zero
/// is the start. It does not outlive what [`crate::session::unloading::count`] counts.
#[derive(Default)]
pub(crate) struct Turns {
    start: usize,
    end: usize,
    /// Its turn, one past the last where it cannot be told.
    turn: usize,
}

impl Turns {
    /// The address with its turn. `None` when the module cannot be told from one that was unloaded.
    #[inline(always)]
    pub(crate) fn address(&mut self, pc: usize) -> Option<usize> {
        if ANY_UNLOADED.load(Relaxed) { self.with_turn(pc) } else { Some(pc) }
    }

    #[cold]
    fn with_turn(&mut self, pc: usize) -> Option<usize> {
        if !(self.start..self.end).contains(&pc) {
            // Code that the dynamic linker does not know is no library's.
            let Some((start, end)) = unwind_tables::range(pc) else { return Some(pc) };
            let turn = Range::new(start, end).turn(&read_mapped).get().unwrap_or(MAX_TURN + 1);
            *self = Turns { start, end, turn };
        }
        (self.turn <= MAX_TURN).then_some(pc | self.turn << SHIFT)
    }
}
