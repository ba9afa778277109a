//! Snapshots: the content of the tables, record by record.
//!
//! A snapshot allocates nothing and does not stop the program: threads change their counters while it is written.
//!
//! - **Writer** (`writer`): the region, the platform and the encoder of one snapshot.
//! - **At** (`at`): the peak that the snapshot shows.
//! - **Records**: `process`, `accounts`, `names` and `stages` write one kind of records each. The order of the sections is here.

mod accounts;
mod at;
mod names;
mod process;
mod stages;
mod writer;

pub(crate) use at::At;
#[cfg(feature = "std")]
pub(crate) use at::Span;

use crate::Error;
use crate::platform::Platform;
use crate::sync::*;
use crate::table::peak::Mark;
use crate::table::peak::summary::Summary;
use crate::table::region::Tables;
use crate::totals::{add_timeline_point, elapsed};
#[cfg(feature = "std")]
use memtrack_format::EncodeError;
use memtrack_format::{Cause, Encoder, Kind, Sink, Snapshot};
#[cfg(feature = "std")]
use process::target;
use writer::Writer;

/// A sink that writes to an `embedded-io` writer.
pub(crate) struct Io<'w, W>(pub(crate) &'w mut W);

impl<W: embedded_io::Write> Sink for Io<'_, W> {
    type Error = Error;

    fn write(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.0.write_all(bytes).map_err(|error| Error::Sink(embedded_io::Error::kind(&error)))
    }
}

/// Writes a snapshot of the whole program.
pub(crate) fn program<R: Tables, P: Platform, S: Sink<Error = Error>>(
    region: &R,
    platform: &P,
    unwinder: &str,
    cause: Cause,
    to: S,
) -> Result<(), Error> {
    let mut writer = Writer { region, platform, at: At::Mark(Mark::Program), to: Encoder::new(to)? };
    preamble(&mut writer, Kind::Program, cause, unwinder)?;
    writer.stages()?;
    writer.nodes(0)?;
    let at_peak = writer.cells()?;
    writer.marks(at_peak)?;
    writer.timeline()?;
    writer.sizes()?;
    writer.losses()?;
    writer.finish()
}

/// Writes a snapshot of a stage, with the cells at its peak, which is `at`, and the stack nodes from `first_node` on.
pub(crate) fn stage<R: Tables, P: Platform, S: Sink<Error = Error>>(
    region: &R,
    platform: &P,
    unwinder: &str,
    at: At<'_>,
    stage: &Summary,
    first_node: u32,
    to: S,
) -> Result<(), Error> {
    let mut writer = Writer { region, platform, at, to: Encoder::new(to)? };
    preamble(&mut writer, Kind::Stage, Cause::StageEnd, unwinder)?;
    writer.stage(stage)?;
    writer.nodes(first_node)?;
    writer.cells()?;
    writer.losses()?;
    writer.finish()
}

/// Writes the mark that begins a file. It says whose file it is, before the first snapshot.
#[cfg(feature = "std")]
pub(crate) fn mark<P: Platform, S: Sink<Error = Error>>(platform: &P, to: S) -> Result<(), Error> {
    let mut to: Encoder<S, 2048> = Encoder::new(to)?;
    let process = platform.process();
    let mut result = Ok(());
    platform.command(&mut |command| result = to.record(&target(process, process.unix_ns, "", command)));
    let result = result.and_then(|()| to.record(&platform.identity().unwrap_or_default()));
    match result.and_then(|()| to.finish()) {
        Ok(_) | Err(EncodeError::RecordTooLarge) => Ok(()),
        Err(EncodeError::Sink(error)) => Err(error),
    }
}

/// Writes a fragment for the annex of a recording: facts that the region does not have. These are the program and, with
/// `modules`, its modules.
#[cfg(feature = "std")]
pub(crate) fn annex<R: Tables, P: Platform, S: Sink<Error = Error>>(
    region: &R,
    platform: &P,
    unwinder: &str,
    modules: bool,
    to: S,
) -> Result<(), Error> {
    let mut writer = Writer { region, platform, at: At::Mark(Mark::Program), to: Encoder::new(to)? };
    writer.target(unwinder)?;
    if modules {
        writer.modules()?;
    }
    writer.finish()
}

fn preamble<R: Tables, P: Platform, S: Sink<Error = Error>>(
    writer: &mut Writer<'_, R, P, S>,
    kind: Kind,
    cause: Cause,
    unwinder: &str,
) -> Result<(), Error> {
    let head = writer.region.head();
    let time_ns = elapsed(writer.region, writer.platform);
    let sequence = head.snapshots.fetch_add(1, Relaxed);
    writer.record(&Snapshot { kind, cause, sequence, time_ns })?;
    add_timeline_point(writer.region, time_ns);
    writer.target(unwinder)?;
    writer.config()?;
    writer.modules()?;
    writer.threads()?;
    writer.tags()?;
    writer.heaps()
}
