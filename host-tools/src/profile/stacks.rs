//! The stacks of a view with all of their figures. Formats that hold several metrics are written from them.

use indexmap::IndexMap;
use memtrack_format::Figures;

use super::labels::Labels;
use super::metric::Metric;
use super::model::Profile;
use super::paths::{Paths, Step};
use super::view::View;
use crate::Error;
use crate::symbolize::Location;

/// The stacks of a view, in the order of their names.
pub struct Stacks<'p> {
    profile: &'p Profile,
    labels: Labels,
    rows: Vec<Row>,
}

/// A stack and its figures.
pub struct Row {
    /// The frames, outermost first; never empty.
    pub steps: Vec<Step>,
    /// Thread id; meaningless if threads are merged.
    pub thread: u32,
    /// Tag id; 0 for none, and if threads are merged.
    pub tag: u32,
    /// The figures.
    pub figures: Figures,
}

/// A frame with its names.
#[derive(Clone, Copy)]
pub struct Shown<'p> {
    /// Its function, or the remark in the place of one.
    pub name: &'p str,
    /// The symbol as in the binary; the name if there is none.
    pub symbol: &'p str,
    /// The source file.
    pub file: Option<&'p str>,
    /// The line in that file; 0 if unknown.
    pub line: u32,
    /// The instruction. Frames that were inlined there share it.
    pub location: Option<&'p Location>,
}

/// Whether stacks of different threads and tags stay apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Split {
    /// Equal stacks become one.
    Merged,
    /// Equal stacks of one thread and tag become one.
    ByThread,
}

impl<'p> Stacks<'p> {
    /// The stacks that a view shows.
    ///
    /// # Errors
    /// Returns an error if the sum of a metric is beyond 64 bits.
    pub fn new(profile: &'p Profile, view: &View, split: Split) -> Result<Self, Error> {
        let mut labels = Labels::default();
        let mut paths = Paths::new(profile, view);
        let mut found: IndexMap<(Vec<Step>, u32, u32), Figures> = IndexMap::new();
        let mut sums = [0u128; Metric::ALL.len()];
        for sample in profile.samples.iter().filter(|sample| view.has(sample)) {
            if Metric::ALL.iter().all(|metric| metric.of(&sample.figures) == 0) {
                continue;
            }
            let Some(path) = paths.of(sample, &mut labels) else { continue };
            for (sum, metric) in sums.iter_mut().zip(Metric::ALL) {
                *sum += u128::from(metric.of(&sample.figures));
                if u64::try_from(*sum).is_err() {
                    return Err(Error::Figures { metric: metric.title() });
                }
            }
            let (thread, tag) = if split == Split::Merged { (0, 0) } else { (sample.thread, sample.tag) };
            let sum = found.entry((path.to_vec(), thread, tag)).or_default();
            *sum = sum.plus(sample.figures);
        }
        let rows = found
            .into_iter()
            .map(|((steps, thread, tag), figures)| Row { steps, thread, tag, figures })
            .collect();
        let mut stacks = Stacks { profile, labels, rows };
        stacks.sort();
        Ok(stacks)
    }

    /// The stacks.
    #[must_use]
    pub fn rows(&self) -> &[Row] {
        &self.rows
    }

    /// A frame with its names.
    #[must_use]
    pub fn show(&self, step: Step) -> Shown<'_> {
        let name = self.labels.text(step.label);
        let Some(at) = step.at else {
            return Shown { name, symbol: name, file: None, line: 0, location: None };
        };
        let symbols = &self.profile.symbols;
        let location = &symbols.locations()[at.location as usize];
        let frame = location.frames[at.inlined as usize];
        Shown {
            name,
            symbol: symbols.text(frame.symbol),
            file: frame.file.map(|file| symbols.text(file)),
            line: frame.line,
            location: Some(location),
        }
    }

    /// The sum of a metric over all stacks.
    #[must_use]
    pub fn total(&self, metric: Metric) -> u64 {
        self.rows.iter().map(|row| metric.of(&row.figures)).sum()
    }

    /// Sorts by the names on the paths, then by addresses, because the order of cells in a dump is random.
    fn sort(&mut self) {
        let mut order: Vec<usize> = (0..self.labels.len()).collect();
        let names: Vec<&str> = self.labels.all().collect();
        order.sort_by_key(|&label| names[label]);
        let mut rank = vec![0; order.len()];
        order.iter().enumerate().for_each(|(place, &label)| rank[label] = place);
        // The comparison computes its keys each time: stored keys would take more memory than the stacks.
        let name = |step: &Step| rank[step.label as usize];
        let place = |step: &Step| step.at;
        self.rows.sort_by(|a, b| {
            let by_name = a.steps.iter().map(name).cmp(b.steps.iter().map(name));
            let by_place = || a.steps.iter().map(place).cmp(b.steps.iter().map(place));
            by_name.then_with(by_place).then((a.thread, a.tag).cmp(&(b.thread, b.tag)))
        });
    }
}
