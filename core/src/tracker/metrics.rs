//! Metrics: the figures in the [text format] that Prometheus scrapes. Nothing here allocates.
//!
//! The format wants the samples of a family together, so the figures are read anew for each family. While other threads
//! run, two families may be of slightly different moments.
//!
//! [text format]: https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format

use crate::error::Error;
use crate::hook::Tracker;
use crate::limits::METRICS_BUFFER;
use crate::lock::try_lock;
use crate::platform::Platform;
use crate::stats::{Stats, ThreadStats};
use crate::table::peak::stage::Stages;
use crate::table::peak::summary::Summary;
use crate::table::region::Tables;
use crate::totals::raise_stage_peaks;
use crate::unwind::Unwind;
use core::fmt::{self, Write as _};
use memtrack_format::LossCause;

/// The kind of a family's values.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Rises and falls.
    Gauge,
    /// Only rises.
    Counter,
    /// Only rises; nanoseconds, shown in seconds.
    Seconds,
}

/// A family of samples, one for each `T`.
struct Family<T> {
    name: &'static str,
    kind: Kind,
    help: &'static str,
    value: fn(&T) -> u64,
}

const fn family<T>(name: &'static str, kind: Kind, help: &'static str, value: fn(&T) -> u64) -> Family<T> {
    Family { name, kind, help, value }
}

const PROGRAM: [Family<Stats>; 10] = [
    family("live_bytes", Kind::Gauge, "Bytes alive.", |of| of.live_bytes),
    family("live_blocks", Kind::Gauge, "Blocks alive.", |of| of.live_blocks),
    family("peak_bytes", Kind::Gauge, "Highest live bytes since the last reset.", |of| of.peak_bytes),
    family("peak_blocks", Kind::Gauge, "Blocks that were alive at the peak.", |of| of.peak_blocks),
    family("allocations_total", Kind::Counter, "Allocations, reallocations included.", |of| of.total_allocs),
    family("allocated_bytes_total", Kind::Counter, "Bytes of all allocations.", |of| of.total_bytes),
    family("frees_total", Kind::Counter, "Frees, reallocations included.", |of| of.total_frees),
    family("reallocations_total", Kind::Counter, "Reallocations.", |of| of.reallocs),
    family(
        "temporary_blocks_total",
        Kind::Counter,
        "Blocks that their thread freed as its very next heap event.",
        |of| of.temporary,
    ),
    family(
        "failed_allocations_total",
        Kind::Counter,
        "Allocations that the inner allocator refused.",
        |of| of.failed_allocs,
    ),
];

const THREADS: [Family<ThreadStats>; 6] = [
    family("thread_live_bytes", Kind::Gauge, "Bytes alive that the thread allocated.", |of| {
        of.stats.live_bytes
    }),
    family("thread_live_blocks", Kind::Gauge, "Blocks alive that the thread allocated.", |of| {
        of.stats.live_blocks
    }),
    family("thread_peak_bytes", Kind::Gauge, "The thread's highest live bytes since the last reset.", |of| {
        of.stats.peak_bytes
    }),
    family("thread_at_peak_bytes", Kind::Gauge, "Bytes of the thread alive at the program's peak.", |of| {
        of.at_program_peak
    }),
    family("thread_allocations_total", Kind::Counter, "Allocations of the thread.", |of| {
        of.stats.total_allocs
    }),
    family("thread_allocated_bytes_total", Kind::Counter, "Bytes of the thread's allocations.", |of| {
        of.stats.total_bytes
    }),
];

const STAGES: [Family<Summary>; 6] = [
    family("stage_peak_bytes", Kind::Gauge, "Highest live bytes while the stage ran.", |of| {
        of.peak.bytes as u64
    }),
    family("stage_running", Kind::Gauge, "1 while the stage runs.", |of| of.running.into()),
    family("stage_runs_total", Kind::Counter, "Runs of the stage that have begun.", |of| of.runs),
    family("stage_seconds_total", Kind::Seconds, "Time that the stage ran.", |of| of.duration_ns),
    family("stage_allocations_total", Kind::Counter, "Allocations while the stage ran.", |of| of.allocs),
    family(
        "stage_allocated_bytes_total",
        Kind::Counter,
        "Bytes of the allocations while the stage ran.",
        |of| of.bytes,
    ),
];

/// The labels of a sample, by which the samples of a family differ.
trait Labels {
    /// Writes `{name="value",…}`, or nothing.
    fn labels(&self, to: &mut dyn fmt::Write) -> fmt::Result;
}

impl Labels for Stats {
    fn labels(&self, _: &mut dyn fmt::Write) -> fmt::Result {
        Ok(())
    }
}

impl Labels for ThreadStats {
    fn labels(&self, to: &mut dyn fmt::Write) -> fmt::Result {
        let name = match self.id {
            0 => "[unattributed]",
            1 => "[no slot left]",
            _ => self.name(),
        };
        write!(to, "{{thread=\"{}\",thread_id=\"{}\"}}", Escaped(name), self.id)
    }
}

impl Labels for Summary {
    fn labels(&self, to: &mut dyn fmt::Write) -> fmt::Result {
        write!(to, "{{stage=\"{}\"", Escaped(self.name.as_str()))?;
        match self.scope.checked_sub(1) {
            None => to.write_char('}'),
            Some(thread) => write!(to, ",thread_id=\"{thread}\"}}"),
        }
    }
}

/// The value of a label, with its special characters escaped.
struct Escaped<'t>(&'t str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.chars().try_for_each(|character| match character {
            '\\' => f.write_str("\\\\"),
            '"' => f.write_str("\\\""),
            '\n' => f.write_str("\\n"),
            other => f.write_char(other),
        })
    }
}

/// The sink behind a small buffer, because samples are written in many pieces.
struct Text<'w, W> {
    to: &'w mut W,
    buffer: heapless::Vec<u8, METRICS_BUFFER>,
    /// Why the sink refused. A formatter's error has no reason.
    refused: embedded_io::ErrorKind,
}

impl<W: embedded_io::Write> Text<'_, W> {
    fn flush(&mut self) -> fmt::Result {
        let result = self.to.write_all(&self.buffer);
        self.buffer.clear();
        result.map_err(|error| {
            self.refused = embedded_io::Error::kind(&error);
            fmt::Error
        })
    }

    fn head(&mut self, name: &str, kind: Kind, help: &str) -> fmt::Result {
        let kind = if kind == Kind::Gauge { "gauge" } else { "counter" };
        writeln!(self, "# HELP memtrack_{name} {help}\n# TYPE memtrack_{name} {kind}")
    }

    /// Writes the families. Each has a sample for every item; `items` reads the items anew for each family.
    fn families<T: Labels, I: Iterator<Item = T>>(
        &mut self,
        families: &[Family<T>],
        items: impl Fn() -> I,
    ) -> fmt::Result {
        for family in families {
            for (index, item) in items().enumerate() {
                if index == 0 {
                    self.head(family.name, family.kind, family.help)?;
                }
                write!(self, "memtrack_{}", family.name)?;
                item.labels(self)?;
                let value = (family.value)(&item);
                match family.kind {
                    Kind::Gauge | Kind::Counter => writeln!(self, " {value}")?,
                    Kind::Seconds => {
                        writeln!(self, " {}.{:09}", value / 1_000_000_000, value % 1_000_000_000)?;
                    }
                }
            }
        }
        Ok(())
    }
}

impl<W: embedded_io::Write> fmt::Write for Text<'_, W> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        text.as_bytes().chunks(METRICS_BUFFER).try_for_each(|piece| {
            if piece.len() > self.buffer.capacity() - self.buffer.len() {
                self.flush()?;
            }
            // It fits: a piece is no longer than the buffer.
            self.buffer.extend_from_slice(piece).map_err(|_| fmt::Error)
        })
    }
}

impl<A, U: Unwind, P: Platform, R: Tables> Tracker<A, U, P, R> {
    /// Writes the figures in the text format of Prometheus (version 0.0.4): live, peak, allocations, bytes and failures of
    /// the program, of each thread and of each stage, and losses by cause. Sizes are in bytes, times in seconds. A program
    /// without stages has none of their families. Allocates nothing.
    ///
    /// # Errors
    /// When the sink fails, or the tracker has no region.
    pub fn metrics<W: embedded_io::Write>(&self, to: &mut W) -> Result<(), Error> {
        self.check()?;
        let mut text = Text { to, buffer: heapless::Vec::new(), refused: embedded_io::ErrorKind::Other };
        let written = self.write_metrics(&mut text).and_then(|()| text.flush());
        written.map_err(|fmt::Error| Error::Sink(text.refused))
    }

    fn write_metrics<W: embedded_io::Write>(&self, text: &mut Text<'_, W>) -> fmt::Result {
        text.families(&PROGRAM, || core::iter::once(self.stats()))?;
        text.head("peak_error_bytes", Kind::Gauge, "Most bytes by which the peak may be too high.")?;
        writeln!(text, "memtrack_peak_error_bytes {}", self.peak_error())?;
        text.head("losses_total", Kind::Counter, "Events that could not be attributed in full, by cause.")?;
        for cause in LossCause::ALL {
            let events = self.losses().find(|(lost, _)| lost == cause).map_or(0, |(_, events)| events);
            writeln!(text, "memtrack_losses_total{{cause=\"{}\"}} {events}", Escaped(cause.as_str()))?;
        }
        text.families(&THREADS, || self.threads())?;
        text.families(&STAGES, || self.stages_by_name())
    }

    /// Each name of a stage once; its running runs are included.
    fn stages_by_name(&self) -> impl Iterator<Item = Summary> + '_ {
        raise_stage_peaks(self.region(), &self.platform);
        let now = self.moment();
        (0..).map_while(move |index| try_lock(self.region().stages())?.by_name(index, now)).flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::string::{String, ToString};

    #[test]
    fn labels_are_escaped() {
        assert_eq!(Escaped("a\"b\\c\nd{},=ü").to_string(), "a\\\"b\\\\c\\nd{},=ü");
    }

    #[test]
    fn text_of_any_length_reaches_the_sink_in_order_and_a_refusal_is_returned() {
        let long: String = (0..METRICS_BUFFER).map(|number| number.to_string()).collect();
        let mut sink = std::vec::Vec::new();
        let mut text =
            Text { to: &mut sink, buffer: heapless::Vec::new(), refused: embedded_io::ErrorKind::Other };
        text.write_str("begin ").and_then(|()| text.write_str(&long)).and_then(|()| text.flush()).unwrap();
        assert_eq!(sink, std::format!("begin {long}").into_bytes());
        let mut room = [0u8; 10];
        let mut short = &mut room[..];
        let mut text =
            Text { to: &mut short, buffer: heapless::Vec::new(), refused: embedded_io::ErrorKind::Other };
        assert!(text.write_str(&long).is_err());
        assert_eq!(text.refused, embedded_io::ErrorKind::WriteZero);
    }
}
