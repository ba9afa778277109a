//! The process that a file belongs to: the file itself names it.
//!
//! **Problem.** A process that finds a file at its path must know whether the process that wrote it still runs. The process
//! id is not enough: the system reuses ids.
//!
//! **Idea.** A dump and a recording carry the process id and the time at which the process started.

use super::recording::annex;
use crate::os::file::FileReader;
use crate::os::process;
use core::ffi::CStr;
use memtrack_format::image::annex::OWNER_WORDS;
use memtrack_format::image::header;
use memtrack_format::{Item, Process, Reader, Tag, Target};

/// A process, distinct from others that have had the same id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Owner {
    pid: u32,
    /// The time of its start: [`Process::started`].
    started: u64,
}

/// Bytes that contain the first records of a dump. The command line takes up to a kilobyte of them.
const HEAD: usize = 2048;

impl Owner {
    /// This process.
    pub(crate) fn this() -> Owner {
        let pid = process::id();
        Owner { pid, started: process::started(pid).unwrap_or(0) }
    }

    /// Returns the owner of a dump or recording; `None` when the file is neither, or no regular file.
    pub(crate) fn of(path: &CStr) -> Option<Owner> {
        let file = FileReader::open(path).filter(FileReader::is_regular)?;
        let mut head = [0; HEAD];
        let mut read = file.read_at(&mut head, 0);
        if let Some(annex) = header::size_of_any(&head[..read]) {
            read = file.read_at(&mut head, annex);
            if let Some(owner) = annex::owner(&head[..read]) {
                return Some(owner);
            }
        }
        Self::of_dump(&head[..read])
    }

    /// Returns the process that wrote the first snapshot of a dump.
    fn of_dump(bytes: &[u8]) -> Option<Owner> {
        let mut pid = None;
        for item in Reader::new(bytes).ok()? {
            let Item::Section(section) = item else { continue };
            match section.tag {
                Tag::TARGET => pid = section.records::<Target<'_>>().next()?.ok().map(|target| target.pid),
                Tag::PROCESS => {
                    let process: Process = section.records().next()?.ok()?;
                    return Some(Owner { pid: pid?, started: process.started });
                }
                _ => {}
            }
        }
        None
    }

    /// Returns the owner as words of 32 bits, for an annex.
    pub(crate) fn words(self) -> [u32; OWNER_WORDS] {
        [self.pid, self.started as u32, (self.started >> 32) as u32]
    }

    /// Returns the owner that these words of an annex name.
    pub(crate) fn from_words([pid, low, high]: [u32; OWNER_WORDS]) -> Owner {
        Owner { pid, started: u64::from(high) << 32 | u64::from(low) }
    }

    /// Returns whether the process still runs.
    pub(crate) fn is_running(self) -> bool {
        process::is_running(self.pid, self.started)
    }
}

/// Returns the record that identifies this process in a dump. The tracker's address is 0: the writer of the dump fills it
/// in.
pub(crate) fn this_process() -> Process {
    Process { started: Owner::this().started, image: process::image_number(), tracker: 0 }
}
