//! Snapshots: the tables, read out record by record. Nothing here allocates or stops the program.

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

/// A sink over the embedded world's writers.
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

/// Writes a snapshot of a stage whose peak `at` shows, with the stack nodes from `first_node` on.
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

/// Writes the mark of the process that begins a file: whose it is, before there is a snapshot.
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

/// Writes what a copy of the region does not tell: the program, and its modules when asked for.
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
