//! Writes the merged dump: a snapshot of each stage, then that of the whole program.

use std::convert::Infallible;

use memtrack_format::{
    Cause, EncodeError, Encoder, Kind, List, Module, Record, Sink, Snapshot as Head, Target, Thread,
};

use super::cells::{Cells, Tree};
use super::layout::Layout;
use super::stages::{self, Stages, Summed};
use super::who::{Ids, Who};
use super::whole::{config, losses, marks};
use crate::reader::Snapshot;

/// The size of the largest section.
const BUFFER: usize = 1 << 17;

/// The content of the merged dump.
pub(super) struct Whole<'w, 'd> {
    pub(super) programs: &'w [Snapshot<'d>],
    pub(super) layout: &'w Layout,
    pub(super) who: &'w Who<'d>,
    pub(super) ids: &'w [Ids],
    pub(super) tree: &'w Tree,
    pub(super) cells: &'w Cells,
    pub(super) stages: &'w Stages<'d>,
    pub(super) stage_cells: &'w [Cells],
}

impl Whole<'_, '_> {
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        for (sequence, ((part, snapshot), cells)) in
            (0..).zip(self.stages.snapshots().iter().zip(self.stage_cells))
        {
            out = self.stage(out, sequence, snapshot, &self.ids[*part], cells);
        }
        self.program(out)
    }

    fn program(&self, out: Vec<u8>) -> Vec<u8> {
        let mut file = self.begin(out, Kind::Program, self.stages.snapshots().len() as u32);
        config(self.programs).iter().for_each(|config| file.record(config));
        self.common(&mut file, self.who.threads());
        stages::sums(self.programs, self.ids).iter().for_each(|sum| file.stage(sum));
        self.nodes(&mut file);
        self.cells.all().for_each(|cell| file.record(&cell));
        marks(self.programs).iter().for_each(|marks| file.record(marks));
        self.who.sizes().for_each(|size| file.record(size));
        let lost = losses(self.programs, file.too_large);
        lost.iter().for_each(|loss| file.record(loss));
        file.finish()
    }

    fn stage(
        &self,
        out: Vec<u8>,
        sequence: u32,
        snapshot: &Snapshot<'_>,
        ids: &Ids,
        cells: &Cells,
    ) -> Vec<u8> {
        let mut file = self.begin(out, Kind::Stage, sequence);
        let threads: Vec<Thread<'_>> =
            snapshot.threads.iter().map(|thread| Thread { id: ids.thread(thread.id), ..*thread }).collect();
        self.common(&mut file, threads.iter());
        snapshot.stages.iter().for_each(|stage| file.stage(&stages::renamed(stage, ids)));
        // Later snapshots refer to these nodes as well.
        if sequence == 0 {
            self.nodes(&mut file);
        }
        cells.all().for_each(|cell| file.record(&cell));
        snapshot.losses.iter().for_each(|loss| file.record(loss));
        file.finish()
    }

    fn begin(&self, out: Vec<u8>, kind: Kind, sequence: u32) -> File {
        let mut file = File::new(out);
        let heads = self.programs.iter().filter_map(|snapshot| snapshot.about);
        let time_ns = heads.clone().map(|head| head.time_ns).max().unwrap_or(0);
        let mut causes = heads.map(|head| head.cause);
        let first = causes.next().unwrap_or(Cause::Request);
        let common = if causes.all(|cause| cause == first) { first } else { Cause::Request };
        let cause = if kind == Kind::Stage { Cause::StageEnd } else { common };
        file.record(&Head { kind, cause, sequence, time_ns });
        let mut targets = self.programs.iter().filter_map(|snapshot| snapshot.target);
        if let Some(first) = targets.next() {
            let target = targets.fold(first, |all, one| Target {
                pid: if all.pid == one.pid { all.pid } else { 0 },
                parent_pid: if all.parent_pid == one.parent_pid { all.parent_pid } else { 0 },
                start_unix_ns: all.start_unix_ns.min(one.start_unix_ns),
                ..all
            });
            file.record(&target);
        }
        file
    }

    fn common<'t>(&self, file: &mut File, threads: impl Iterator<Item = &'t Thread<'t>>) {
        for module in self.layout.modules() {
            file.record(&Module {
                path: &module.path,
                build_id: &module.build_id,
                bias: module.bias,
                unloaded: module.unloaded,
                segments: List::Items(&module.segments),
                file_size: module.file_size,
                file_modified_unix_ns: module.file_modified_unix_ns,
            });
        }
        threads.for_each(|thread| file.record(thread));
        self.who.tags().for_each(|tag| file.record(&tag));
        self.who.heaps().for_each(|heap| file.record(&heap));
    }

    fn nodes(&self, file: &mut File) {
        self.tree.nodes().for_each(|(id, node)| unfailing(file.encoder.node(id, node)));
    }
}

/// The dump under construction, in memory.
struct File {
    encoder: Encoder<Bytes, BUFFER>,
    /// The number of records that are larger than any section.
    too_large: u64,
}

struct Bytes(Vec<u8>);

impl Sink for Bytes {
    type Error = Infallible;

    fn write(&mut self, bytes: &[u8]) -> Result<(), Infallible> {
        self.0.extend_from_slice(bytes);
        Ok(())
    }
}

impl File {
    fn new(out: Vec<u8>) -> Self {
        let Ok(encoder) = Encoder::new(Bytes(out));
        File { encoder, too_large: 0 }
    }

    fn record<'a, R: Record<'a>>(&mut self, record: &R) {
        match self.encoder.record(record) {
            Ok(()) => {}
            Err(EncodeError::RecordTooLarge) => self.too_large += 1,
            Err(EncodeError::Sink(never)) => match never {},
        }
    }

    fn stage(&mut self, sum: &Summed<'_>) {
        self.record(&memtrack_format::Stage { threads: List::Items(&sum.threads), ..sum.stage });
    }

    fn finish(self) -> Vec<u8> {
        match self.encoder.finish() {
            Ok(bytes) => bytes.0,
            Err(EncodeError::Sink(never)) => match never {},
            // The encoder writes a short record last, which always fits.
            Err(EncodeError::RecordTooLarge) => Vec::new(),
        }
    }
}

fn unfailing(result: Result<(), EncodeError<Infallible>>) {
    debug_assert!(result.is_ok(), "nodes fit, and memory takes them");
}
