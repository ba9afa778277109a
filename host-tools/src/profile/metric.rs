//! The metrics: what can be counted.

use memtrack_format::Figures;

use crate::rows::rows;
use crate::units;

/// The facts about a metric.
pub struct Facts {
    /// Its name on the command line and in every output for machines.
    pub name: &'static str,
    /// Its meaning, as in the title of a graph.
    pub title: &'static str,
    /// Its meaning in one line, for `--help` and completions.
    pub summary: &'static str,
    /// What one of it is.
    pub unit: Unit,
    /// The moment that it describes.
    pub moment: Moment,
    of: fn(&Figures) -> u64,
}

/// The unit of a metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Calls that allocate.
    Allocations,
    /// Bytes.
    Bytes,
    /// Blocks.
    Blocks,
}

/// The moment that a metric describes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// None: it is a sum over the whole run.
    Run,
    /// The moment of the dump.
    End,
    /// The peak.
    Peak,
}

rows! {
    /// One of the figures that every cell has.
    Metric: Facts {
        /// Allocations, including reallocations.
        Allocs {
            name: "allocs",
            title: "allocations",
            summary: "allocations, including reallocations",
            unit: Unit::Allocations,
            moment: Moment::Run,
            of: |figures| figures.allocs,
        }
        /// Their bytes.
        Bytes {
            name: "bytes",
            title: "bytes allocated",
            summary: "bytes of all allocations",
            unit: Unit::Bytes,
            moment: Moment::Run,
            of: |figures| figures.bytes,
        }
        /// Live bytes at the time of the dump.
        Live {
            name: "live",
            title: "live bytes",
            summary: "live bytes at the time of the dump",
            unit: Unit::Bytes,
            moment: Moment::End,
            of: |figures| figures.live,
        }
        /// Live blocks at the time of the dump.
        LiveBlocks {
            name: "live-blocks",
            title: "live blocks",
            summary: "live blocks at the time of the dump",
            unit: Unit::Blocks,
            moment: Moment::End,
            of: |figures| figures.live_blocks,
        }
        /// Live bytes at the time of the peak.
        Peak {
            name: "peak",
            title: "live bytes at the peak",
            summary: "live bytes at the time of the peak",
            unit: Unit::Bytes,
            moment: Moment::Peak,
            of: |figures| figures.peak,
        }
        /// Live blocks at the time of the peak.
        PeakBlocks {
            name: "peak-blocks",
            title: "live blocks at the peak",
            summary: "live blocks at the time of the peak",
            unit: Unit::Blocks,
            moment: Moment::Peak,
            of: |figures| figures.peak_blocks,
        }
        /// Blocks that were freed by the very next heap event of their thread.
        Temporary {
            name: "temporary",
            title: "temporary blocks",
            summary: "blocks that were freed by the very next heap event of their thread",
            unit: Unit::Blocks,
            moment: Moment::Run,
            of: |figures| figures.temporary,
        }
    }
}

impl Metric {
    /// Its value in the given figures.
    #[must_use]
    pub fn of(self, figures: &Figures) -> u64 {
        (self.row().of)(figures)
    }

    /// Its name on the command line and in every output for machines.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.row().name
    }

    /// Its name as a field of JSON or a column of CSV.
    #[must_use]
    pub fn field(self) -> String {
        self.name().replace('-', "_")
    }

    /// Its meaning, as in the title of a graph.
    #[must_use]
    pub fn title(self) -> &'static str {
        self.row().title
    }

    /// What one of it is.
    #[must_use]
    pub fn unit(self) -> &'static str {
        match self.row().unit {
            Unit::Allocations => "allocations",
            Unit::Bytes => "bytes",
            Unit::Blocks => "blocks",
        }
    }

    /// Whether it counts bytes.
    #[must_use]
    pub fn is_bytes(self) -> bool {
        self.row().unit == Unit::Bytes
    }

    /// The moment that it describes.
    #[must_use]
    pub fn moment(self) -> Moment {
        self.row().moment
    }

    /// A value for people to read.
    #[must_use]
    pub fn human(self, value: u64) -> String {
        if self.is_bytes() { units::bytes(value) } else { units::count(value) }
    }

    /// The table of all metrics in Markdown.
    #[must_use]
    pub fn markdown() -> String {
        let mut table = String::from("| metric | counts |\n|---|---|\n");
        for row in Metric::ALL.map(Metric::row) {
            table.push_str(&format!("| `{}` | {} |\n", row.name, row.summary));
        }
        table
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
