//! Which process a file belongs to: a dump and a recording say so themselves. So a second writer knows whether it would
//! destroy what a running process wrote.

use crate::os::linux::calls;
use crate::os::linux::file;
use crate::os::linux::file::Reading;
use crate::os::linux::open::errno;
use crate::platform::Host;
use crate::platform::Platform;
use crate::platform::host::image_number;
use crate::session::recording::annex;
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
        let pid = Host.process().pid;
        Owner { pid, started: state_and_start(pid).map_or(0, |(_, started)| started) }
    }

    /// The process whose dump or recording a regular file holds.
    pub(crate) fn of(path: &CStr) -> Option<Owner> {
        let file = Reading::open(path).filter(Reading::is_regular)?;
        let mut head = [0; HEAD];
        let mut read = file.at(&mut head, 0);
        if let Some(annex) = image::size_of_image(&head[..read]) {
            read = file.at(&mut head, annex);
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
        match state_and_start(self.pid) {
            Some((state, started)) => {
                !matches!(state, b'Z' | b'X') && (started == self.started || self.started == 0)
            }
            // Without `/proc`, or where it hides others' processes.
            None => self.pid != 0 && (signal_nothing(self.pid) || errno() != libc::ESRCH),
        }
    }
}

fn signal_nothing(pid: u32) -> bool {
    libc::pid_t::try_from(pid).is_ok_and(|pid| calls::signal_nothing(pid) == 0)
}

/// What identifies this process in a dump; the tracker is not known here.
pub(crate) fn this_process() -> Process {
    Process { started: Owner::this().started, image: image_number(), tracker: 0 }
}

/// The state of a process, and when it began in clock ticks since boot.
fn state_and_start(pid: u32) -> Option<(u8, u64)> {
    let mut path = heapless::String::<32>::new();
    core::fmt::write(&mut path, format_args!("/proc/{pid}/stat\0")).ok()?;
    let mut text = [0; 512];
    let read = file::read(CStr::from_bytes_with_nul(path.as_bytes()).ok()?, &mut text);
    parse(&text[..read])
}

/// Fields 3 and 22 of `/proc/PID/stat`. The name in front of them may hold any character.
fn parse(stat: &[u8]) -> Option<(u8, u64)> {
    let name = stat.iter().rposition(|&byte| byte == b')')?;
    let mut fields = stat.get(name + 1..)?.split(|&byte| byte == b' ').filter(|field| !field.is_empty());
    let state = *fields.next()?.first()?;
    let started = core::str::from_utf8(fields.nth(18)?).ok()?.trim_end().parse().ok()?;
    Some((state, started))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_known_by_its_start() {
        let this = Owner::this();
        assert!(this.started > 0 && this.is_running());
        assert!(!Owner { started: this.started + 1, ..this }.is_running(), "another had the number");
        assert!(!Owner { pid: 0, started: 0 }.is_running());
    }

    #[test]
    fn names_of_processes_may_hold_anything() {
        let stat = b"17 (a) S (b) R 1 17 17 0 -1 4194560 1 0 0 0 1 2 0 0 20 0 1 0 4711 2 3";
        assert_eq!(parse(stat), Some((b'R', 4711)));
        assert_eq!(parse(b"17 (a) R 1 2"), None);
        assert_eq!(parse(b""), None);
    }
}
