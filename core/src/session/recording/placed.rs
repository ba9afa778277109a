//! Recordings on a system where a file cannot take the place of memory in use.
//!
//! **Idea.** The memory of a file is there before the tables are used: the first event of the process's first tracker places
//! its region in it. So only the variable can ask for a recording.
//!
//! - **Decision**: whether there is a recording. The first event makes it, and those of other threads wait for it.
//! - **Later parts**: those that the tables announce before their first use. All others have room in the file from the
//!   start.

use super::annex::Annex;
use super::{RECORDINGS, Recording, Refreshed, by_variable, file, memory, report};
use crate::Error;
use crate::lock::{Lock, try_lock};
use crate::os::errno::keep_errno;
use crate::os::file::Named;
use crate::os::pages::Pages;
use crate::os::path::Path;
use crate::os::patience::Patience;
use crate::session::environment::Variable;
use crate::session::registry::{self, RegionNumber};
use crate::session::triggers;
use crate::sync::*;
use core::ops::Range;

/// A recording whose region is not claimed yet.
struct Placed {
    pages: Pages,
    annex: Annex,
}

static PLACED: Lock<Option<Placed>> = Lock::new(None);

/// The state of the decision.
static DECISION: AtomicU32 = AtomicU32::new(OPEN);
const OPEN: u32 = 0;
const BEING_MADE: u32 = 1;
const MADE: u32 = 2;

/// Makes the decision, if it is open. If there is to be a recording, calls `publish` with the address of `len` zeroed bytes
/// in its file; false says that the region is elsewhere. `later` are the later parts: offsets, in order.
pub(crate) fn place(len: usize, later: &[Range<usize>], publish: impl FnOnce(usize) -> bool) {
    match DECISION.compare_exchange(OPEN, BEING_MADE, AcqRel, Acquire) {
        Ok(_) => {
            if Variable::Record.get().is_some() {
                keep_errno(|| triggers::on_stack(Patience::Seconds, || place_in_file(len, later, publish)));
            }
            DECISION.store(MADE, Release);
        }
        // A thread whose patience ends has tables of its own, and the other one reports that.
        Err(BEING_MADE) => {
            Patience::Seconds.wait(|| (DECISION.load(Acquire) == MADE).then_some(()));
        }
        Err(_) => {}
    }
}

fn place_in_file(len: usize, later: &[Range<usize>], publish: impl FnOnce(usize) -> bool) {
    let mut publish = Some(publish);
    by_variable(|path| {
        let placed = map(&path, len, later)?;
        let address = placed.pages.start().expose_provenance();
        *try_lock(&PLACED).ok_or(Error::RecordingRuns)? = Some(placed);
        let is_published = publish.take().is_some_and(|publish| publish(address));
        if is_published { Ok(()) } else { Err(Error::RecordingThreads) }
    });
}

/// Maps a new file for a region and its annex.
fn map(path: &Path, len: usize, later: &[Range<usize>]) -> Result<Placed, Error> {
    let file = file::create(path, len + Annex::LEN, Named::ByVariable)?;
    let file = file.map(len + Annex::LEN)?;
    let mut begin = 0;
    for part in later {
        file.make_room(begin..part.start)?;
        begin = part.end;
    }
    file.make_room(begin..len + 1)?;
    let (pages, annex) = (Pages::in_file(file, 0..len), Pages::in_file(file, len..len + Annex::LEN));
    Ok(Placed { pages, annex: Annex::new(annex) })
}

/// Called when a tracker has claimed its region: begins the recording, if the region is in its file.
pub(crate) fn at_claim(number: RegionNumber) {
    let (Some(region), Some(mut waiting)) = (registry::get(number), try_lock(&PLACED)) else { return };
    let is_in_file = |placed: &mut Placed| core::ptr::addr_eq(placed.pages.start(), region);
    let Some(Placed { pages, annex }) = waiting.take_if(is_in_file) else { return };
    let Some(mut slot) = try_lock(&RECORDINGS[number]) else { return };
    memory::begin(number, pages, annex.pages(), region.head_copy());
    if let Err(error) = (Recording { annex, refreshed: Refreshed::default() }).run(region, &mut slot) {
        report(Variable::Record.get().unwrap_or_default(), error);
    }
}

/// Begins to record a region that is in use: the system cannot.
pub(crate) fn begin(number: RegionNumber, _: Path, _: Named) -> Result<(), Error> {
    let is_recorded = try_lock(&RECORDINGS[number]).is_none_or(|slot| slot.is_some());
    Err(if is_recorded { Error::RecordingRuns } else { Error::RecordingFromStart })
}
