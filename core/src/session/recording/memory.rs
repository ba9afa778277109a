//! The memory of recordings, and the end of a recording while the process continues.
//!
//! **Problem.** The pages of a recording are those of a file. When the disk is full, or the file was cut off, an
//! access to such a page is a fault, which would end the program. The fault may come in any thread, inside the hook and
//! inside locks.
//!
//! **Idea.** Room for a page is requested before its first use. Where that fails, and at a fault, the recording ends: memory
//! of the process's own, with the same content, replaces the file's pages at the same addresses. Then the access works.
//! All this is found without a lock, by the number of the region. Where the system cannot replace pages, a page without room
//! is not used: the tables are full.
//!
//! - **Mapping** ([`Mapping`]): the addresses of a region's pages and of its annex.
//! - **State**: says whether the file's pages are there. One thread at a time replaces them; others wait.
//! - **Page with room**: one for which the file system has allocated a block.
//! - **Head copy**: the region's constant words. When they have changed, the file was replaced by another one.

use super::annex;
use super::bits::Bits;
use crate::os::pages::{self, Pages};
use crate::os::{clock, sandbox, stderr, thread};
use crate::session::registry::{self, PerRegion, RegionNumber, Registered};
use crate::sync::*;
use crate::table::backing;
use crate::table::region::HeadCopy;
use core::cell::UnsafeCell;

/// The memory of one region.
struct FileMemory {
    state: AtomicU32,
    /// Written before the state is [`RUNS`] for the first time.
    mapping: UnsafeCell<Option<Mapping>>,
}

struct Mapping {
    pages: Pages,
    annex: Pages,
    /// One bit for each page: whether the page has room. `None` without memory for the bits: then faults alone end the
    /// recording.
    with_room: Option<Bits>,
    /// The head copy of the beginning.
    head: HeadCopy,
}

/// The region has no recording.
const NONE: u32 = 0;
/// The pages are the file's.
const RUNS: u32 = 1;
/// The recording has ended: the pages are the process's own.
const ENDED: u32 = 2;
/// The file has no more room, and the pages are still the file's: the system cannot replace them, or had no memory for it.
const STUCK: u32 = 3;
/// A thread is ending the recording: this plus the thread's id.
const ENDING: u32 = 16;

// SAFETY: only `begin` writes the mapping. It runs with the recording locked, before the state is `RUNS` for the first
// time, or in a forked child, which has one thread. Everybody else only reads it, after a state other than `NONE`.
unsafe impl Sync for FileMemory {}

static MEMORY: PerRegion<FileMemory> =
    PerRegion::new([const { FileMemory { state: AtomicU32::new(NONE), mapping: UnsafeCell::new(None) } }; _]);

/// Whether a recording has begun. Read without a lock.
static ANY: AtomicBool = AtomicBool::new(false);

/// From now on the pages of the region are a file's, and so is the annex. `head` is the region's head copy.
pub(crate) fn begin(number: RegionNumber, pages: Pages, annex: Pages, head: HeadCopy) {
    // SAFETY: the recording is locked, so no other thread is here. Nobody reads the mapping while the state is `NONE`; when
    // it is not, this is a forked child, which has one thread.
    unsafe {
        let mapping = &mut *MEMORY[number].mapping.get();
        let with_room = cleared_bits(mapping.as_ref().and_then(|before| before.with_room), pages.pages());
        *mapping = Some(Mapping { pages, annex, with_room, head });
    }
    MEMORY[number].state.store(RUNS, Release);
    ANY.store(true, Release);
    backing::announce_to(make_room);
}

/// One clear bit for each page. A forked child takes over the bits that its parent had: a signal handler that forks may
/// interrupt a function that uses them, and the function continues in the child. `None` without memory.
fn cleared_bits(before: Option<Bits>, pages: usize) -> Option<Bits> {
    match before {
        Some(bits) => {
            bits.clear();
            Some(bits)
        }
        None => Bits::new(pages).ok(),
    }
}

/// Makes room in the file for memory that is about to be used for the first time. Without room the recording ends here:
/// later, it would be a fault, whose signal a thread may block.
#[cold]
fn make_room(start: usize, len: usize) -> bool {
    if !sandbox::allows_all() {
        return true;
    }
    for (number, region) in registry::all() {
        let Some(mapping) = MEMORY[number].mapping() else { continue };
        let Some(with_room) = mapping.with_room else { continue };
        // Another thread may be ending this recording.
        while MEMORY[number].state.load(Acquire) >= ENDING {
            nap();
        }
        for page in mapping.pages.numbers(start, len).filter(|&page| !with_room.is_set(page)) {
            if is_running(number) {
                if mapping.pages.has_room(page) {
                    with_room.set(page);
                    continue;
                }
                end(number, region);
            }
            if MEMORY[number].state.load(Acquire) == STUCK {
                return false;
            }
        }
    }
    true
}

/// Returns whether the region has a recording that has not ended.
pub(crate) fn is_running(number: RegionNumber) -> bool {
    MEMORY[number].state.load(Acquire) == RUNS
}

/// Ends the recordings whose file now has another content. If it is as long as before, no access is a fault, so the head
/// copy is compared.
pub(crate) fn end_replaced() {
    if ANY.load(Relaxed) {
        for (number, region) in registry::all().filter(|(number, _)| is_running(*number)) {
            if MEMORY[number].mapping().is_some_and(|mapping| region.head_copy() != mapping.head) {
                end(number, region);
            }
        }
    }
}

/// In a forked child: returns whether the pages are those of the parent's file.
#[cfg(not(recorded_from_start))]
pub(crate) fn forked(number: RegionNumber) -> bool {
    let state = &MEMORY[number].state;
    if state.load(Acquire) >= ENDING {
        // The thread that was ending the recording is not in the child.
        state.store(RUNS, Release);
    }
    state.load(Acquire) == RUNS
}

impl FileMemory {
    fn mapping(&self) -> Option<&Mapping> {
        // SAFETY: `begin` has written the mapping before the state, and writes another one only in a forked child, which has
        // one thread.
        (self.state.load(Acquire) != NONE).then(|| unsafe { (*self.mapping.get()).as_ref() })?
    }

    /// Replaces the file's pages by memory of the process's own. Returns whether that worked.
    fn detach(&self, region: &dyn Registered) -> bool {
        let Some(mapping) = self.mapping() else { return false };
        if cfg!(recorded_from_start) {
            stderr::line(format_args!(
                "the recording has no more room: known threads and stacks go on, events of new ones are counted as lost"
            ));
            return false;
        }
        let is_whole = annex::mark_ended(mapping.annex);
        // Another process may have written into the file.
        let is_intact = pages::may_be_readable(mapping.pages.start()) && region.head_copy() == mapping.head;
        let is_detached =
            mapping.annex.make_private(is_whole).and_then(|()| mapping.pages.make_private(is_intact)).is_ok();
        if is_detached {
            if !is_intact {
                region.restore_head(&mapping.head);
            }
            region.count_lost_recording();
        }
        let reason = match (is_intact, is_whole) {
            (true, true) => "the file system is full: later allocations are missing from the file",
            (true, false) => "the file was cut off: its end is lost",
            (false, _) => "the file was cut off or replaced: all earlier counts are lost",
        };
        stderr::line(format_args!("the recording has ended: {reason}"));
        is_detached
    }
}

/// Ends a recording that runs: its pages become the process's own.
pub(crate) fn end(number: RegionNumber, region: &dyn Registered) {
    let memory = &MEMORY[number];
    let this_thread = ENDING + thread::id() as u32;
    if memory.state.compare_exchange(RUNS, this_thread, AcqRel, Acquire).is_ok() {
        let state = if memory.detach(region) { ENDED } else { STUCK };
        memory.state.store(state, Release);
    }
}

/// In a forked child that cannot have a file: replaces the pages of the parent's file by memory of the child's own.
#[cfg(not(recorded_from_start))]
pub(crate) fn detach_in_child(number: RegionNumber) {
    if let Some(mapping) = MEMORY[number].mapping() {
        // After an error the pages stay those of the parent's file: without memory there is no other way.
        let _ = mapping.annex.make_private(true).and_then(|()| mapping.pages.make_private(true));
    }
    MEMORY[number].state.store(NONE, Release);
}

/// Called by the signal handler of a fault. Returns whether the address is in a recording's memory, and the access works
/// now.
pub(crate) fn faulted(address: usize) -> bool {
    let within = |pages: Pages| address.wrapping_sub(pages.start().addr()) < pages.len();
    let found = registry::all().find_map(|(number, region)| {
        let mapping = MEMORY[number].mapping()?;
        [mapping.pages, mapping.annex]
            .into_iter()
            .find(|&pages| within(pages))
            .map(|pages| (number, region, pages))
    });
    let Some((number, region, pages)) = found else { return false };
    end(number, region);
    let this_thread = ENDING + thread::id() as u32;
    loop {
        match MEMORY[number].state.load(Acquire) {
            // This thread is in the middle of `end`, so the file was cut off once more.
            state if state == this_thread => return pages.clear(address),
            STUCK | NONE => return false,
            ENDED | RUNS => return true,
            _ => nap(),
        }
    }
}

/// Sleeps for a moment, while another thread ends a recording.
fn nap() {
    const NANOSECONDS: u64 = 1_000_000;
    clock::sleep(NANOSECONDS);
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn a_child_has_the_bits_at_the_same_place() {
        let bits = cleared_bits(None, 1000).unwrap();
        bits.set(999);
        assert!(bits.is_set(999) && !bits.is_set(998));
        let again = cleared_bits(Some(bits), 1000).unwrap();
        assert_eq!((again.0.start(), again.is_set(999)), (bits.0.start(), false));
        // SAFETY: this test alone uses the memory.
        unsafe { bits.0.unmap() };
    }
}
