//! Records about the program: its process, its modules, and the use of the tables.

use super::writer::Writer;
use crate::lock::try_lock;
use crate::platform::Platform;
use crate::sync::*;
use crate::table::peak::stage::Stages;
use crate::table::region::Tables;
use crate::{Error, platform, target};
#[cfg(feature = "std")]
use memtrack_format::EncodeError;
use memtrack_format::{Config, Process, Sink, Target};

pub(super) fn target<'t>(
    process: platform::Process,
    start: u64,
    unwinder: &'t str,
    command: &'t [u8],
) -> Target<'t> {
    Target {
        arch: target::ARCH,
        pointer_width: size_of::<usize>() as u8,
        big_endian: cfg!(target_endian = "big"),
        os: target::OS,
        pid: process.pid,
        parent_pid: process.parent,
        start_unix_ns: start,
        unwinder: unwinder.as_bytes(),
        command,
    }
}

impl<R: Tables, P: Platform, S: Sink<Error = Error>> Writer<'_, R, P, S> {
    pub(super) fn target(&mut self, unwinder: &str) -> Result<(), Error> {
        let (platform, process) = (self.platform, self.platform.process());
        let start_unix_ns = self.region.head().start_unix.get();
        let mut result = Ok(());
        platform.command(&mut |command| {
            result = self.record(&target(process, start_unix_ns, unwinder, command));
        });
        result?;
        if let Some(process) = platform.identity() {
            self.record(&Process { tracker: self.tracker(), ..process })?;
        }
        #[cfg(feature = "std")]
        if let Some(result) = self.region.head().inherited.record(|fork| self.to.record(fork)) {
            return match result {
                Ok(()) | Err(EncodeError::RecordTooLarge) => Ok(()),
                Err(EncodeError::Sink(error)) => Err(error),
            };
        }
        Ok(())
    }

    pub(super) fn config(&mut self) -> Result<(), Error> {
        let (nodes, nodes_capacity) = self.region.stacks().usage();
        let (cells, cells_capacity) = self.region.cells().usage();
        let (threads, threads_capacity) = self.region.threads().usage();
        let (stages, stages_capacity) =
            try_lock(self.region.stages()).map_or((0, 0), |stages| stages.usage());
        let (tags, tags_capacity) = self.region.tags().usage();
        let max_depth = R::Frames::default().as_mut().capacity() as u32;
        self.record(&Config {
            nodes,
            nodes_capacity,
            cells,
            cells_capacity,
            threads,
            threads_capacity,
            max_depth,
            stages,
            stages_capacity,
            tags,
            tags_capacity,
        })
    }

    pub(super) fn modules(&mut self) -> Result<(), Error> {
        let (platform, mut result) = (self.platform, Ok(()));
        platform.modules(&mut |module| {
            if result.is_ok() {
                result = self.record(module);
            }
        });
        result
    }

    fn tracker(&self) -> u64 {
        self.region.head().claimed.load(Relaxed) as u64
    }
}
