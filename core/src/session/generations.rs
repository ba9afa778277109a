//! Generations: two libraries at one address are two modules.
//!
//! **Problem.** A program unloads a library and loads another one, which the system places at the same addresses. Stacks
//! from before have addresses of the first library, stacks from now on have the same addresses of the second one. A dump
//! needs both names.
//!
//! **Idea.** The session lists the loaded libraries at the program's start, and before anything may be unloaded. A library
//! that is loaded at the addresses of a listed one, and is not the same, gets the next generation.
//!
//! - **Generation**: 0 for the first library at its addresses, then 1, 2 and so on.
//! - **Address with its generation**: an address uses the bits below [`SHIFT`], and the generation is in the bits from
//!   there. Stacks and the modules of a dump have it alike, so a reader needs to know nothing about generations.
//! - **List** ([`mod@listed`]): all libraries that a listing has found. It also provides the names of unloaded libraries.

mod listed;

use super::registry;
use crate::limits::LAST_GENERATION;
use crate::os::modules::{self, Each, MAX_SEGMENTS, read_mapped};
use crate::os::unwind_tables;
use crate::sync::*;
use heapless::Vec;
use listed::{Description, Entries, Range, list, listed};
use memtrack_format::{List, Module, Segment};

static UNLOADS: AtomicUsize = AtomicUsize::new(0);

/// Returns how often libraries may have been unloaded. When the number has changed, all facts about the code at an address
/// are stale: the code may be another library's.
#[cfg(cfi)]
#[inline(always)]
pub(crate) fn unloads() -> usize {
    UNLOADS.load(Relaxed)
}

/// Counts one time at which libraries may be unloaded, and makes all threads look at the count.
pub(super) fn count_unloading() {
    UNLOADS.fetch_add(1, AcqRel);
    registry::all().for_each(|(_, region)| region.code_unloaded());
}

/// The lowest bit of the generation in an address. No address of a program uses it. The highest generation needs five bits,
/// so the number has 53 bits at most, which JSON can represent.
const SHIFT: u32 = 48;

/// A library may have been unloaded. Before that, every generation is 0.
static ANY_UNLOADED: AtomicBool = AtomicBool::new(false);

/// At the program's start: lists the libraries, for a process that cannot ask the kernel for them later.
pub(crate) fn begin() {
    list(&|each| modules::each_linked(each));
}

/// Before a library may be unloaded: lists the libraries.
pub(crate) fn before_unloading() {
    ANY_UNLOADED.store(true, Release);
    list(&loaded);
}

/// After a library may have been unloaded: lists the libraries if the kernel does not, so that the list says which ones are
/// still loaded.
pub(crate) fn after_unloading() {
    if !crate::os::modules::is_listed() {
        list(&loaded);
    }
}

/// Calls `each` for the loaded libraries. Outside the hook.
fn loaded(each: Each<'_>) {
    if !modules::each(each) {
        modules::each_linked(each);
    }
}

/// Calls `each` for every module, first for those that are loaded, then for those that were. Their addresses have their
/// generations. Takes no lock.
pub(crate) fn modules(each: &mut dyn FnMut(&Module<'_>)) {
    let mut loaded = Entries::NONE;
    let any_unloaded = ANY_UNLOADED.load(Acquire);
    let is_listed = modules::each(&mut |module, read| {
        let range = Range::of(module);
        let generation = match range {
            Some(range) if any_unloaded => range.generation(read).get().unwrap_or(UNKNOWN),
            _ => 0,
        };
        if let Some(range) = range {
            loaded.insert(range, generation);
        }
        with_generation(module, generation, each);
    });
    for (position, listed) in listed().iter().enumerate() {
        let Description { path, build_id, bias, segments } = listed.description();
        let unloaded = is_listed || !listed.is_loaded.load(Relaxed);
        if !loaded.contains(position) && !path.is_empty() {
            let segments = List::Items(segments);
            let module = Module { path, build_id, bias: *bias, unloaded, segments, ..Module::default() };
            with_generation(&module, listed.generation.load(Relaxed), each);
        }
    }
}

/// Calls `each` for a module, with the generation in its addresses.
fn with_generation(module: &Module<'_>, generation: usize, each: &mut dyn FnMut(&Module<'_>)) {
    let by = (generation as u64) << SHIFT;
    let moved = |segment: Segment| Segment { start: segment.start.wrapping_add(by), ..segment };
    let segments: Vec<Segment, { MAX_SEGMENTS }> = module.segments.iter().map(moved).collect();
    each(&Module { bias: module.bias.wrapping_add(by), segments: List::Items(&segments), ..*module });
}

/// Stands for the generation of a library when it is not known. No address in a stack has it.
const UNKNOWN: usize = LAST_GENERATION + 1;

/// Adds the generation to the addresses of one walk. It remembers the module of the last address: the next one is often of
/// the same module. All-zero is the start. Its facts are stale when the count of `unloads` changes.
#[derive(Default)]
pub(crate) struct Generations {
    /// The range of addresses of the module.
    start: usize,
    end: usize,
    /// Its generation, or [`UNKNOWN`].
    generation: usize,
}

impl Generations {
    /// Returns the address with its generation; `None` when the generation is not known.
    #[inline(always)]
    pub(crate) fn address(&mut self, pc: usize) -> Option<usize> {
        if ANY_UNLOADED.load(Relaxed) { self.with_generation(pc) } else { Some(pc) }
    }

    #[cold]
    fn with_generation(&mut self, pc: usize) -> Option<usize> {
        if !(self.start..self.end).contains(&pc) {
            // The dynamic linker does not know this code, so it is in no library.
            let Some((start, end)) = unwind_tables::range(pc) else { return Some(pc) };
            let generation = Range::new(start, end).generation(&read_mapped).get().unwrap_or(UNKNOWN);
            *self = Generations { start, end, generation };
        }
        // An address of 32 bits has no room for a generation.
        let bits = if self.generation == 0 { 0 } else { self.generation.checked_shl(SHIFT)? };
        (self.generation <= LAST_GENERATION).then_some(pc | bits)
    }
}
