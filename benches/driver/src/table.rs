//! The results as Markdown tables.

use std::fmt;

use super::results::Results;
use super::sample::Sample;
use super::setup::Setup;
use super::workload::Workload;

/// All results of a run, ready to print.
pub(crate) struct Tables {
    /// CPU time as a ratio to the plain allocator. The README shows it too.
    pub(crate) cpu: Table,
    others: Vec<Table>,
}

pub(crate) struct Table {
    title: &'static str,
    note: &'static str,
    columns: Vec<&'static str>,
    rows: Vec<Row>,
}

struct Row {
    name: &'static str,
    records: &'static str,
    cells: Vec<Option<String>>,
}

impl Tables {
    pub(crate) fn new(results: &Results, workloads: &[&'static Workload], setups: &[&'static Setup]) -> Self {
        let base = setups[0];
        let ratio = |setup: &Setup, workload: &Workload, figure: fn(&Sample) -> Option<f64>| {
            results.ratio(setup, base, workload, figure).map(|ratio| format!("{ratio:.2}"))
        };
        let table = |title, note, cell: &dyn Fn(&Setup, &Workload) -> Option<String>| {
            let row = |setup: &&'static Setup| Row {
                name: setup.name,
                records: setup.records,
                cells: workloads.iter().map(|workload| cell(setup, workload)).collect(),
            };
            let columns = workloads.iter().map(|workload| workload.title).collect();
            Table { title, note, columns, rows: setups.iter().map(row).collect() }
        };

        let mut cpu = table("CPU time, as a ratio", CPU, &|setup, workload| ratio(setup, workload, own_cpu));
        cpu.rows.extend(setups.iter().filter(|setup| setup.heaptrack).map(|setup| Row {
            name: setup.name,
            records: "the same, with the process that it runs beside the program",
            cells: workloads.iter().map(|workload| ratio(setup, workload, process_cpu)).collect(),
        }));
        let wall = table("Wall time, as a ratio", "", &|setup, workload| ratio(setup, workload, wall));
        let pair = table("Nanoseconds of CPU time a pair", PAIR, &|setup, workload| {
            let time = results.median(setup, workload, own_cpu)?;
            Some(format!("{:.1}", time / results.pairs_per_unit(workload)?))
        });
        let memory = table("Peak of resident memory, as a ratio", MEMORY, &|setup, workload| {
            ratio(setup, workload, |sample| sample.peak_rss)
        });
        let output = table("Size of the output", OUTPUT, &|setup, workload| {
            let size = results.median(setup, workload, |sample| Some(sample.output as f64))?;
            (size > 0.0).then(|| kilobytes(size))
        });
        Self { cpu, others: vec![wall, pair, memory, output.without_empty_rows()] }
    }
}

const CPU: &str = "User and system time of the program's threads while the workload runs. For word-index, the \
    code counter, the search tool and the HTTP server it is the time from start to end, with the dump. The load \
    of the server is another process, and not counted.";
const PAIR: &str = "A pair is one allocation and one free, together with the rest of the workload's or program's work. \
    Unlike ratios, these figures mean nothing on another machine.";
const MEMORY: &str = "W1 and W3 need almost no memory themselves, so their figures show the size of the \
    tool.";
const OUTPUT: &str = "The files that one run leaves on disk. heaptrack writes every event, so its file \
    grows with the run; in the loops it had less work than the faster tools.";

fn own_cpu(sample: &Sample) -> Option<f64> {
    Some(sample.cpu_ns? / sample.units)
}

fn process_cpu(sample: &Sample) -> Option<f64> {
    Some(sample.process_cpu_ns / sample.units)
}

fn wall(sample: &Sample) -> Option<f64> {
    Some(sample.wall_ns / sample.units)
}

fn kilobytes(bytes: f64) -> String {
    format!("{:.0} kB", (bytes / 1000.0).ceil())
}

impl Table {
    /// The same table with only the setups of these names.
    pub(crate) fn of(&self, names: &[&str]) -> String {
        self.lines(self.rows.iter().filter(|row| names.contains(&row.name)))
    }

    fn without_empty_rows(mut self) -> Self {
        self.rows.retain(|row| row.cells.iter().any(Option::is_some));
        self
    }

    fn lines<'table>(&self, rows: impl Iterator<Item = &'table Row>) -> String {
        let head =
            format!("| | {} |\n|---|{}\n", self.columns.join(" | "), "---:|".repeat(self.columns.len()));
        let line = |row: &Row| {
            let cells: Vec<_> = row.cells.iter().map(|cell| cell.as_deref().unwrap_or("–")).collect();
            format!("| {} ({}) | {} |\n", row.name, row.records, cells.join(" | "))
        };
        head + &rows.map(line).collect::<String>()
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "### {}\n\n", self.title)?;
        if !self.note.is_empty() {
            write!(f, "{}\n\n", self.note)?;
        }
        f.write_str(&self.lines(self.rows.iter()))
    }
}

impl fmt::Display for Tables {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.cpu)?;
        self.others.iter().try_for_each(|table| write!(f, "\n{table}"))
    }
}
