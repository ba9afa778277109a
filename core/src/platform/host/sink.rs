//! The file that collects snapshots while the program runs: of stages as they end, of the program at its exit.

use super::dump_file::{File, Mode, Path};
use super::open::Named;
use super::{Host, start};
use crate::Error;
use crate::platform::Platform;
use crate::sync::*;
use crate::table::try_lock;

/// A file and what of the stack table it already holds.
struct Sink {
    path: Path,
    named: Named,
    /// The first stack node that the file does not hold.
    next_node: u32,
    /// The process that has begun the file; a forked child begins its own.
    pid: u32,
}

static SINK: spin::mutex::SpinMutex<Option<Sink>> = spin::mutex::SpinMutex::new(None);
/// Whether there is one: asked at every stage without taking the lock.
static IS_SET: AtomicBool = AtomicBool::new(false);

pub(crate) fn is_set() -> bool {
    IS_SET.load(Acquire)
}

/// Snapshots go to `path` from now on. It is made, or emptied, here.
pub(crate) fn open(path: Path, named: Named) -> Result<(), Error> {
    File::create(path.as_c_str(), Mode::Truncate, named)?;
    let mut sink = try_lock(&SINK).ok_or(Error::DumpRunning)?;
    *sink = Some(Sink { path, named, next_node: 0, pid: Host.process().pid });
    IS_SET.store(true, Release);
    Ok(())
}

/// Appends a snapshot. `write` gets the first stack node to write and returns the first one that is left for the
/// next time. A snapshot that fails leaves what stands before it readable.
///
/// # Errors
/// When the file could not be written, or another snapshot is being written.
pub(crate) fn append(
    patience: Patience,
    write: impl FnOnce(u32, &mut File) -> Result<u32, Error>,
) -> Result<(), Error> {
    let mut guard = lock(patience).ok_or(Error::DumpRunning)?;
    let Some(sink) = guard.as_mut() else { return Ok(()) };
    let result = sink.own().and_then(|()| {
        let mut file = File::create(sink.path.as_c_str(), Mode::Append, sink.named)?;
        write(sink.next_node, &mut file)
    });
    match result {
        Ok(next) => {
            sink.next_node = next;
            Ok(())
        }
        Err(error) => {
            // The whole table again next time: part of it may be missing.
            sink.next_node = 0;
            Err(error)
        }
    }
}

/// How long to wait for a snapshot that another thread writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Patience {
    /// Hardly: whoever writes may be the very thread that asks, in a signal's handler.
    Little,
    /// Seconds: there is no other time.
    Last,
}

fn lock(patience: Patience) -> Option<spin::mutex::SpinMutexGuard<'static, Option<Sink>>> {
    const NAPS: usize = 300;
    let nap = libc::timespec { tv_sec: 0, tv_nsec: 10_000_000 };
    let naps = if patience == Patience::Last { NAPS } else { 0 };
    try_lock(&SINK).or_else(|| {
        (0..naps).find_map(|_| {
            super::calls::nanosleep(&nap);
            SINK.try_lock()
        })
    })
}

/// In a forked child, whose other threads are gone: if one of them held the lock, nobody does now.
pub(super) fn unlock_after_fork() {
    if SINK.is_locked() {
        // SAFETY: the child has one thread, this one, and it is in `fork`, not in here.
        unsafe { SINK.force_unlock() };
    }
}

impl Sink {
    /// In a forked child the parent's file is not touched: the child gets its own.
    fn own(&mut self) -> Result<(), Error> {
        let process = Host.process();
        if process.pid != self.pid {
            self.path = match start::dump_template() {
                Some(template) => start::path_in_child(template, process)?,
                None => self.path.with_pid(process.pid)?,
            };
            // Nobody chose this very name, wherever the parent's comes from.
            self.named = Named::ByVariable;
            File::create(self.path.as_c_str(), Mode::Truncate, self.named)?;
            (self.pid, self.next_node) = (process.pid, 0);
        }
        Ok(())
    }
}
