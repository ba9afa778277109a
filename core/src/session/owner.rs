//! Which process a file belongs to: a dump and a recording say so themselves. So a second writer knows whether it would
//! destroy what a running process wrote.

use super::recording::annex;
use crate::os::file::FileReader;
use crate::os::process;
use crate::table::image;
use core::ffi::CStr;
use memtrack_format::{Item, Process, Reader, Tag, Target};

/// A process, told from others that have or had its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Owner {
    pid: u32,
    /// When it began: [`Process::started`].
    started: u64,
}

/// Bytes that hold the first records of a dump: the command line takes up to a kilobyte of them.
const HEAD: usize = 2048;

impl Owner {
    /// This process.
    pub(crate) fn this() -> Owner {
        let pid = process::id();
        Owner { pid, started: process::started(pid).unwrap_or(0) }
    }

    /// The process whose dump or recording a regular file holds.
    pub(crate) fn of(path: &CStr) -> Option<Owner> {
        let file = FileReader::open(path).filter(FileReader::is_regular)?;
        let mut head = [0; HEAD];
        let mut read = file.read_at(&mut head, 0);
        if let Some(annex) = image::size_of_image(&head[..read]) {
            read = file.read_at(&mut head, annex);
            if let Some(owner) = annex::owner(&head[..read]) {
                return Some(owner);
            }
        }
        Self::in_dump(&head[..read])
    }

    /// The process that the first snapshot of a dump tells of.
    fn in_dump(bytes: &[u8]) -> Option<Owner> {
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

    /// The process in words of 32 bits.
    pub(crate) fn words(self) -> [u32; 3] {
        [self.pid, self.started as u32, (self.started >> 32) as u32]
    }

    pub(crate) fn from_words([pid, low, high]: [u32; 3]) -> Owner {
        Owner { pid, started: u64::from(high) << 32 | u64::from(low) }
    }

    /// Whether the process still runs.
    pub(crate) fn is_running(self) -> bool {
        process::is_running(self.pid, self.started)
    }
}

/// What identifies this process in a dump; the tracker is not known here.
pub(crate) fn this_process() -> Process {
    Process { started: Owner::this().started, image: process::image_number(), tracker: 0 }
}
