//! Memory that is laid into files, by tracker: known without a lock, for the handler of faults in it.

use super::annex;
use crate::os::pages::{self, Pages};
use crate::os::{clock, sandbox, stderr, thread};
use crate::session::registry::{self, PerRegion, RegionNumber, Registered};
use crate::sync::*;
use crate::table::backing;
use crate::table::region::HeadCopy;
use core::cell::UnsafeCell;

/// The memory of a recording.
struct Laid {
    state: AtomicU32,
    /// Written before the state says that it runs.
    memory: UnsafeCell<Option<Memory>>,
}

struct Memory {
    pages: Pages,
    annex: Pages,
    /// A bit for each page that has room in the file.
    prepared: Option<Pages>,
    /// The head as it was when the recording began: a file that was replaced has another one.
    head: HeadCopy,
}

/// There is none.
const NONE: u32 = 0;
const RUNS: u32 = 1;
/// The memory is the process's own.
const ENDED: u32 = 2;
/// It could not be made so.
const STUCK: u32 = 3;
/// A thread makes it so: this and its number.
const ENDING: u32 = 16;

// SAFETY: the memory is written by the thread that begins the recording, or by a child's only thread, before the state
// says that it runs, and is only read while it does.
unsafe impl Sync for Laid {}

static LAID: PerRegion<Laid> =
    PerRegion::new([const { Laid { state: AtomicU32::new(NONE), memory: UnsafeCell::new(None) } }; _]);

/// Whether there are any.
static ANY: AtomicBool = AtomicBool::new(false);

/// From now on the memory of the region at `number` is a file's.
pub(crate) fn begin(number: RegionNumber, pages: Pages, annex: Pages, head: HeadCopy) {
    // Without it, the handler of faults is all that there is.
    let prepared = Pages::new(pages.pages().div_ceil(8), 0).ok();
    // SAFETY: nobody reads it before the state says that it runs, or in a child that has one thread; the recording is locked.
    unsafe {
        let memory = &mut *LAID[number].memory.get();
        let before = memory.replace(Memory { pages, annex, prepared, head });
        if let Some(prepared) = before.and_then(|before| before.prepared) {
            prepared.remove();
        }
    }
    LAID[number].state.store(RUNS, Release);
    ANY.store(true, Release);
    backing::announce_to(prepare);
}

/// Has room in the file for what is about to be used for the first time. Without room the recording ends here, and not by
/// a signal, which a thread may block.
#[cold]
fn prepare(start: usize, len: usize) {
    if !sandbox::allows_all() {
        return;
    }
    for (number, region) in registry::all() {
        let Some(memory) = LAID[number].memory() else { continue };
        let Some(prepared) = memory.prepared else { continue };
        // Another thread that finds no room may be at it just now.
        while LAID[number].state.load(Acquire) >= ENDING {
            nap();
        }
        for page in memory.pages.numbers(start, len) {
            if is_running(number) && !prepared.bit(page) {
                if memory.pages.has_room(page) {
                    prepared.set_bit(page);
                } else {
                    end(number, region);
                }
            }
        }
    }
}

pub(crate) fn is_running(number: RegionNumber) -> bool {
    LAID[number].state.load(Acquire) == RUNS
}

/// Ends recordings whose file somebody has replaced by another of the same length or a longer one: no fault tells it.
pub(crate) fn end_replaced() {
    if ANY.load(Relaxed) {
        for (number, region) in registry::all().filter(|(number, _)| is_running(*number)) {
            if LAID[number].memory().is_some_and(|memory| region.head_copy() != memory.head) {
                end(number, region);
            }
        }
    }
}

/// In a forked child: whether its memory is the parent's file.
pub(crate) fn forked(number: RegionNumber) -> bool {
    let state = &LAID[number].state;
    if state.load(Acquire) >= ENDING {
        // The thread that was at it is not here.
        state.store(RUNS, Release);
    }
    state.load(Acquire) == RUNS
}

impl Laid {
    fn memory(&self) -> Option<&Memory> {
        // SAFETY: once it is written it changes in a forked child alone, which has one thread.
        (self.state.load(Acquire) != NONE).then(|| unsafe { (*self.memory.get()).as_ref() })?
    }

    /// Makes the memory the process's own.
    fn take(&self, region: &dyn Registered) -> bool {
        let Some(memory) = self.memory() else { return false };
        let is_whole = annex::note_end(memory.annex);
        // Somebody may have written something else into the file.
        let is_intact = pages::is_readable(memory.pages.start()) && region.head_copy() == memory.head;
        let taken = memory.annex.keep(is_whole).and_then(|()| memory.pages.keep(is_intact)).is_ok();
        if taken {
            if !is_intact {
                region.restore_head(&memory.head);
            }
            region.count_lost_recording();
        }
        let why = match (is_intact, is_whole) {
            (true, true) => "the file system is full: what is allocated from now on is missing from the file",
            (true, false) => "somebody cut off the file: its end is lost",
            (false, _) => "somebody cut off or replaced the file: what was counted so far is lost",
        };
        stderr::line(format_args!("the recording has ended: {why}"));
        taken
    }
}

/// Ends a recording, of which the memory becomes the process's own.
pub(crate) fn end(number: RegionNumber, region: &dyn Registered) {
    let laid = &LAID[number];
    let me = ENDING + thread::id() as u32;
    if laid.state.compare_exchange(RUNS, me, AcqRel, Acquire).is_ok() {
        let state = if laid.take(region) { ENDED } else { STUCK };
        laid.state.store(state, Release);
    }
}

/// In a forked child that gets no file: makes the memory its own.
pub(crate) fn keep(number: RegionNumber) {
    if let Some(memory) = LAID[number].memory() {
        // Where there is no memory left, the pages stay the parent's: nothing better can be had.
        let _ = memory.annex.keep(true).and_then(|()| memory.pages.keep(true));
    }
    LAID[number].state.store(NONE, Release);
}

/// In the handler of a fault: whether it was one of a recording's memory, and can be gone on from.
pub(crate) fn faulted(address: usize) -> bool {
    let within = |pages: Pages| address.wrapping_sub(pages.start().addr()) < pages.len();
    let found = registry::all().find_map(|(number, region)| {
        let memory = LAID[number].memory()?;
        [memory.pages, memory.annex]
            .into_iter()
            .find(|&pages| within(pages))
            .map(|pages| (number, region, pages))
    });
    let Some((number, region, pages)) = found else { return false };
    end(number, region);
    let me = ENDING + thread::id() as u32;
    loop {
        match LAID[number].state.load(Acquire) {
            // This thread, in the middle of the above: the file was cut off further meanwhile.
            state if state == me => return pages.clear(address),
            STUCK | NONE => return false,
            ENDED | RUNS => return true,
            _ => nap(),
        }
    }
}

/// Sleeps while another thread ends a recording.
fn nap() {
    const NANOSECONDS: u64 = 1_000_000;
    clock::sleep(NANOSECONDS);
}
