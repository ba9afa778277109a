//! Generations of the modules that were loaded at one place.
//!
//! Libraries are unloaded, and others are loaded at their addresses. Stacks and the list of modules must tell them apart.
//!
//! At the program's start, and whenever something may be unloaded, the loaded libraries are listed. A library that is loaded
//! where another one was listed gets the next *generation* of the place. Its addresses carry the generation in bits that no
//! address of a program uses, in stacks and in the list of modules alike.

mod listed;

use crate::os::modules::{self, Each, MAX_SEGMENTS, read_mapped};
use crate::os::unwind_tables;
use crate::sync::*;
use heapless::Vec;
use listed::{Described, LAST, MAX, Range, list, listed, set_loaded};
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

/// From this bit on an address has its generation, so that with the most generations it is still a number that JSON can
/// carry.
const SHIFT: u32 = 48;

/// Something may have been unloaded: until then nothing is at the place of something else.
static ANY_UNLOADED: AtomicBool = AtomicBool::new(false);

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
