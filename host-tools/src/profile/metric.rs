//! The metrics.

use memtrack_format::Figures;

/// One of the figures that every cell has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Metric {
    /// Allocations, including reallocations.
    Allocs,
    /// Their bytes.
    Bytes,
    /// Live bytes at the time of the dump.
    Live,
    /// Live blocks at the time of the dump.
    LiveBlocks,
    /// Live bytes at the time of the peak.
    Peak,
    /// Live blocks at the time of the peak.
    PeakBlocks,
    /// Blocks that were freed by the very next heap event of their thread.
    Temporary,
}

impl Metric {
    /// All of them.
    pub const ALL: [Metric; 7] = [
        Metric::Allocs,
        Metric::Bytes,
        Metric::Live,
        Metric::LiveBlocks,
        Metric::Peak,
        Metric::PeakBlocks,
        Metric::Temporary,
    ];

    /// Its value in the given figures.
    #[must_use]
    pub fn of(self, figures: &Figures) -> u64 {
        match self {
            Metric::Allocs => figures.allocs,
            Metric::Bytes => figures.bytes,
            Metric::Live => figures.live,
            Metric::LiveBlocks => figures.live_blocks,
            Metric::Peak => figures.peak,
            Metric::PeakBlocks => figures.peak_blocks,
            Metric::Temporary => figures.temporary,
        }
    }

    /// Its name on the command line and in every output for machines.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Metric::Allocs => "allocs",
            Metric::Bytes => "bytes",
            Metric::Live => "live",
            Metric::LiveBlocks => "live-blocks",
            Metric::Peak => "peak",
            Metric::PeakBlocks => "peak-blocks",
            Metric::Temporary => "temporary",
        }
    }

    /// Its name in the title of a graph.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Metric::Allocs => "allocations",
            Metric::Bytes => "bytes allocated",
            Metric::Live => "live bytes",
            Metric::LiveBlocks => "live blocks",
            Metric::Peak => "live bytes at the peak",
            Metric::PeakBlocks => "live blocks at the peak",
            Metric::Temporary => "temporary blocks",
        }
    }

    /// The unit in which it counts.
    #[must_use]
    pub fn unit(self) -> &'static str {
        match self {
            Metric::Allocs => "allocations",
            Metric::Bytes | Metric::Live | Metric::Peak => "bytes",
            Metric::LiveBlocks | Metric::PeakBlocks | Metric::Temporary => "blocks",
        }
    }

    /// A value with its unit, for people.
    #[must_use]
    pub fn human(self, value: u64) -> String {
        if self.unit() == "bytes" { crate::units::bytes(value) } else { crate::units::count(value) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_metric_reads_its_own_field() {
        let figures = Figures {
            allocs: 1,
            bytes: 2,
            live: 3,
            live_blocks: 4,
            peak: 5,
            peak_blocks: 6,
            temporary: 7,
            reallocs: 8,
        };
        assert_eq!(Metric::ALL.map(|metric| metric.of(&figures)), [1, 2, 3, 4, 5, 6, 7]);
    }
}
