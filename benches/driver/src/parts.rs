//! The results of criterion and of the programs that measure first times, as tables.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde_json::Value;

/// Nanoseconds by row and stacks, of one table.
struct Rows(Vec<(&'static str, [Option<f64>; STACKS.len()])>);

/// The stacks: their names in the benchmarks, and in the table.
const STACKS: [(&str, &str); 9] = [
    ("same-8", "same stack, 8 frames"),
    ("same-24", "24"),
    ("same-30", "30"),
    ("same-64", "64"),
    ("sites-30", "8 sites in a loop, 30"),
    ("runs-30", "each 4 times, 30"),
    ("random-8", "one of 8, 24"),
    ("random-100", "one of 100, 30"),
    ("random-2000", "one of 2000, 30"),
];

/// A row: the folder of its results below criterion's, and the folder of the results that are subtracted.
struct Measured {
    row: &'static str,
    group: &'static str,
    nothing: &'static str,
}

const CAPTURES: [Measured; 6] = [
    Measured { row: "`Cfi`: the stack with its id", group: "usual/cfi", nothing: "usual/nothing" },
    Measured {
        row: "`FramePointer`, where all code keeps the chain: the stack with its id",
        group: "chain/frame-pointer",
        nothing: "chain/nothing",
    },
    Measured { row: LIBUNWIND, group: "usual/libunwind", nothing: "usual/nothing" },
    Measured { row: "framehop: addresses", group: "usual/framehop", nothing: "usual/nothing" },
    Measured {
        row: "libgcc `_Unwind_Backtrace`: addresses",
        group: "usual/libgcc",
        nothing: "usual/nothing",
    },
    Measured { row: "the backtrace crate: addresses", group: "usual/backtrace", nothing: "usual/nothing" },
];
const LIBUNWIND: &str = "GNU libunwind `unw_backtrace`: addresses";

const EVENTS: [Measured; 3] = [
    Measured { row: PLAIN, group: "usual/event-system", nothing: "usual/event-nothing" },
    Measured {
        row: "memtrack, counters only",
        group: "usual/event-counters",
        nothing: "usual/event-nothing",
    },
    Measured { row: "memtrack", group: "usual/event-full", nothing: "usual/event-nothing" },
];
const PLAIN: &str = "system allocator";

/// All results of criterion.
pub(crate) struct Parts {
    captures: Rows,
    events: Rows,
    dump_ns: f64,
    dump_bytes: u64,
}

impl Parts {
    /// Reads the results of the benchmarks below `home`.
    pub(crate) fn read(home: &Path) -> Result<Self> {
        let dump = home.join("usual/dump.memtrack");
        Ok(Parts {
            captures: Rows::read(home, &CAPTURES),
            events: Rows::read(home, &EVENTS),
            dump_ns: estimate(&home.join("usual/dump")).context("criterion has not measured the dump")?,
            dump_bytes: fs::metadata(&dump).with_context(|| format!("no {}", dump.display()))?.len(),
        })
    }
}

/// Criterion's median.
fn estimate(folder: &Path) -> Option<f64> {
    let file = fs::read(folder.join("new/estimates.json")).ok()?;
    serde_json::from_slice::<Value>(&file).ok()?.pointer("/median/point_estimate")?.as_f64()
}

impl Rows {
    fn read(home: &Path, measured: &[Measured]) -> Self {
        let above = |measured: &Measured, stacks| {
            let of = |group: &str| estimate(&PathBuf::from(home).join(group).join(stacks));
            Some((of(measured.group)? - of(measured.nothing)?).max(0.0))
        };
        Rows(measured.iter().map(|one| (one.row, STACKS.map(|(name, _)| above(one, name)))).collect())
    }

    /// The table, each figure with its ratio to that of the row `base`.
    fn table(&self, base: &str) -> String {
        let base = self.0.iter().find(|(row, _)| *row == base).map(|(_, figures)| figures);
        let mut text = format!("| ns | {} |\n", STACKS.map(|(_, title)| title).join(" | "));
        text += &format!("|---|{}\n", "---:|".repeat(STACKS.len()));
        for (row, figures) in &self.0 {
            let cells = std::array::from_fn::<_, { STACKS.len() }, _>(|place| match figures[place] {
                None => "–".into(),
                Some(ns) => match base.and_then(|base| base[place]).filter(|base| *base > 0.0) {
                    Some(base) => format!("{ns:.0} (× {:.2})", ns / base),
                    None => format!("{ns:.0}"),
                },
            });
            text += &format!("| {row} | {} |\n", cells.join(" | "));
        }
        text
    }
}

impl fmt::Display for Parts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "### A stack captured\n\n{CAPTURE}\n\n{}", self.captures.table(LIBUNWIND))?;
        writeln!(f, "### An allocation with its free\n\n{EVENT}\n\n{}", self.events.table(PLAIN))?;
        let (ms, megabytes) = (self.dump_ns / 1e6, self.dump_bytes as f64 / 1e6);
        writeln!(f, "### A dump\n\n65536 cells, each with a stack of its own: {ms:.1} ms, {megabytes:.2} MB.")
    }
}

const CAPTURE: &str = "The time of a capture alone, without the event around it and without the calls that \
    lead there, with the ratio to GNU libunwind. libunwind and the other unwinders return addresses and no \
    id. Stacks of 30 frames differ in the innermost caller (sites) or in the function of every level (at \
    random, in a random order).";
const EVENT: &str = "The time on these stacks, without the calls that lead there, with the ratio to the \
    system allocator.";

/// The figures of first times in the order of [`Cold::QUESTIONS`]: of the small program and of the large one.
pub(crate) struct Cold(pub(crate) Vec<[f64; 2]>);

pub(crate) struct Question {
    row: &'static str,
    pub(crate) arguments: &'static [&'static str],
    pub(crate) key: &'static str,
}

impl Cold {
    pub(crate) const QUESTIONS: [Question; 4] = [
        Question {
            row: "memtrack: a frame of a stack of 16 new ones, ns",
            arguments: &["captures", "memtrack", "100"],
            key: "ns_a_new_frame",
        },
        Question {
            row: "libgcc: the same",
            arguments: &["captures", "libgcc", "100"],
            key: "ns_a_new_frame",
        },
        Question {
            row: "memtrack: first event of a thread, with such a stack, ns",
            arguments: &["threads", "100"],
            key: "ns_first_event_of_a_thread",
        },
        Question {
            row: "memtrack: first event of the process, ns",
            arguments: &["threads", "1"],
            key: "ns_first_event_of_the_process",
        },
    ];
}

impl fmt::Display for Cold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "### The first time\n\n{FIRST}\n")?;
        writeln!(f, "| | small program | large program | ratio |\n|---|---:|---:|---:|")?;
        for (question, [small, large]) in Self::QUESTIONS.iter().zip(&self.0) {
            writeln!(f, "| {} | {small:.0} | {large:.0} | {:.2} |", question.row, large / small)?;
        }
        Ok(())
    }
}

const FIRST: &str = "Programs with 2048 and with 50000 functions call each function for the first time, in \
    random order. So their unwind tables are not in the processor's caches yet; the larger they are, the \
    longer a look-up takes.";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_stand_beside_their_ratio() {
        let mut small = [None; STACKS.len()];
        (small[0], small[1]) = (Some(10.0), Some(7.0));
        let mut large = small;
        (large[0], large[1]) = (Some(40.0), None);
        let table = Rows(vec![("small", small), ("large", large)]).table("large");
        let rows: Vec<&str> = table.lines().skip(2).collect();
        assert_eq!(rows[0], "| small | 10 (× 0.25) | 7 | – | – | – | – | – | – | – |");
        assert_eq!(rows[1], "| large | 40 (× 1.00) | – | – | – | – | – | – | – | – |");
    }
}
