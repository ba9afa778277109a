//! Records over time: stages and the timeline.

use super::writer::Writer;
use crate::Error;
use crate::limits::TOP_THREADS;
use crate::lock::try_lock;
use crate::platform::Platform;
use crate::table::peak::stage::Stages;
use crate::table::peak::summary::Summary;
use crate::table::region::Tables;
use crate::totals::{moment, raise_stage_peaks};
use memtrack_format::{List, Sink, Stage, ThreadPeak, TimePoint};

impl<R: Tables, P: Platform, S: Sink<Error = Error>> Writer<'_, R, P, S> {
    pub(super) fn stages(&mut self) -> Result<(), Error> {
        raise_stage_peaks(self.region, self.platform);
        let now = moment(self.region, self.platform);
        for place in 0.. {
            let stage = try_lock(self.region.stages()).and_then(|stages| stages.get(place, now));
            let Some(stage) = stage else { break };
            self.stage(&stage)?;
        }
        Ok(())
    }

    pub(super) fn stage(&mut self, stage: &Summary) -> Result<(), Error> {
        let threads: heapless::Vec<ThreadPeak, { TOP_THREADS }> = stage
            .threads
            .iter()
            .map(|of| ThreadPeak { thread: u32::from(of.thread), peak: of.bytes as u64 })
            .collect();
        self.record(&Stage {
            name: stage.name.as_bytes(),
            depth: stage.depth,
            scope: stage.scope,
            running: stage.running,
            runs: stage.runs,
            duration_ns: stage.duration_ns,
            begin_ns: stage.begin_ns,
            end_ns: stage.end_ns,
            allocs: stage.allocs,
            bytes: stage.bytes,
            live_before: stage.live_before as u64,
            live_after: stage.live_after as u64,
            peak: stage.peak.bytes as u64,
            peak_blocks: stage.peak.blocks as u64,
            peak_time_ns: stage.peak.time_ns,
            lost: stage.lost,
            threads: List::Items(&threads),
        })
    }

    pub(super) fn timeline(&mut self) -> Result<(), Error> {
        for place in 0.. {
            let Some(point) = try_lock(self.region.timeline()).and_then(|line| line.get(place)) else {
                break;
            };
            let (high, live) = (point.high as u64, point.live as u64);
            self.record(&TimePoint { time_ns: point.time_ns, high, live })?;
        }
        Ok(())
    }
}
