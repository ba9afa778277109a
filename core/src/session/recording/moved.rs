//! Recordings on a system that can put a file in the place of memory in use.
//!
//! A recording begins at any time while there is one thread. No file descriptor is needed after the beginning, so a program
//! may close all descriptors that it has not opened. A forked child continues the recordings of its parent in files of its
//! own.

use super::annex::Annex;
use super::{RECORDINGS, Recording, Refreshed, by_variable, file, memory, report};
use crate::Error;
use crate::lock::try_lock;
use crate::os::backing_file::Released;
use crate::os::file::Named;
use crate::os::pages::{self, Before, Pages};
use crate::os::path::Path;
use crate::os::{fault, process, signal_mask};
use crate::session::environment::Variable;
use crate::session::registry::{self, RegionNumber, Registered};
use crate::session::{files, triggers};
use core::cell::Cell;

/// What a forked child needs to continue a recording.
pub(super) struct Backed {
    path: Path,
    /// The value of the variable, if the path comes from it.
    template: Option<&'static [u8]>,
    pages: Pages,
    file: Released,
}

/// Called when a tracker has claimed its region: records the first region of the process, if the variable is set.
pub(crate) fn at_claim(number: RegionNumber) {
    if number.is_first() {
        by_variable(|path| begin(number, path, Named::ByVariable));
    }
}

/// Begins to record a region: makes its pages those of a new file.
pub(crate) fn begin(number: RegionNumber, path: Path, named: Named) -> Result<(), Error> {
    pages::check()?;
    let region = registry::get(number).ok_or(Error::TooManyTrackers)?;
    let pages = region.pages()?;
    signal_mask::while_blocked(|| {
        let mut slot =
            try_lock(&RECORDINGS[number]).filter(|slot| slot.is_none()).ok_or(Error::RecordingRuns)?;
        if process::threads() != 1 + triggers::threads() {
            return Err(Error::RecordingThreads);
        }
        fault::handle();
        let (annex, file) = map_to_file(&path, pages, named, None)?;
        memory::begin(number, pages, annex.pages(), region.head_copy());
        let template = Variable::Record.get().filter(|_| named == Named::ByVariable);
        let backed = Backed { path, template, pages, file };
        let recording = Recording { annex, refreshed: Refreshed::default(), backed };
        recording.run(region, &mut slot)
    })
}

/// Makes the pages of a region, and of a new annex, those of a new file, with the content that they have. `parents` is the
/// recording of the parent, in a forked child: then they are pages of the parent's file so far.
fn map_to_file(
    path: &Path,
    pages: Pages,
    named: Named,
    parents: Option<&Recording>,
) -> Result<(Annex, Released), Error> {
    let file = file::create(path, pages.len() + Annex::LEN, named)?;
    let annex = Annex::new(Pages::new(Annex::LEN, pages.len())?);
    if let Some(parents) = parents {
        annex.copy_from(&parents.annex);
    }
    let of_parent = parents.map(|parents| parents.backed.file.reclaim());
    let before = match &of_parent {
        None => Before::Memory,
        Some(Some(file)) => Before::File(file),
        Some(None) => Before::LostFile,
    };
    let result =
        annex.pages().move_to_file(&file, Before::Memory).and_then(|()| pages.move_to_file(&file, before));
    match result.and_then(|()| file.release()) {
        Ok(file) => Ok((annex, file)),
        Err(error) => {
            annex.remove();
            Err(error)
        }
    }
}

impl Recording {
    /// In a forked child: moves the recording to a file of the child's own.
    fn move_to_childs_file(&mut self, region: &dyn Registered) -> Result<(), Error> {
        let path = match self.backed.template {
            Some(template) => files::expand_in_child(template),
            None => self.backed.path.with_pid(process::id()),
        }?;
        let (annex, file) = map_to_file(&path, self.backed.pages, Named::ByVariable, Some(self))?;
        (self.backed.path, self.backed.file) = (path, file);
        core::mem::replace(&mut self.annex, annex).remove();
        // The child has the modules of its parent, which the annex already holds.
        self.append(region, false)
    }
}

/// In a forked child: continues a recording of the parent in a file of the child's own, or ends it.
pub(super) fn continue_in_child(number: RegionNumber, region: &dyn Registered) {
    let Some(mut slot) = RECORDINGS[number].try_lock() else { return };
    // A recording that has ended in the parent does not continue.
    let recording = slot.as_mut().map(Cell::get_mut);
    let Some(recording) = recording.filter(|_| memory::forked(number)) else { return };
    match recording.move_to_childs_file(region) {
        Ok(()) => memory::begin(number, recording.backed.pages, recording.annex.pages(), region.head_copy()),
        Err(error) => {
            report(recording.backed.path.as_c_str().to_bytes(), error);
            memory::detach_in_child(number);
            *slot = None;
        }
    }
}
