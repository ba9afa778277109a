//! The stacks of a view with all of their figures. Formats that hold several metrics are written from them.

use memtrack_format::Figures;

use super::labels::Labels;
use super::metric::Metric;
use super::model::Profile;
use super::paths::{Paths, Step, Tree};
use super::prefixes::{Prefixes, narrow};
use super::view::View;
use crate::Error;
use crate::hash::Map;
use crate::symbolize::Location;

/// The stacks of a view, in the order of their names.
pub struct Stacks<'p> {
    profile: &'p Profile,
    labels: Labels,
    paths: Prefixes<Step>,
    rows: Vec<Row>,
}

/// A stack and its figures.
pub struct Row {
    /// The place of its innermost step.
    pub path: u32,
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
        let mut paths = Paths::new(profile, view, Prefixes::new(profile.nodes.len()));
        let mut found: Map<(u32, u32, u32), u32> = Map::default();
        let mut rows: Vec<Row> = Vec::new();
        let mut sums = [0u128; Metric::ALL.len()];
        for sample in paths.samples() {
            if Metric::ALL.iter().all(|metric| metric.of(&sample.figures) == 0) {
                continue;
            }
            let Some(path) = paths.of(sample)? else { continue };
            for (sum, metric) in sums.iter_mut().zip(Metric::ALL) {
                *sum += u128::from(metric.of(&sample.figures));
                if u64::try_from(*sum).is_err() {
                    return Err(Error::Figures { metric: metric.title() });
                }
            }
            let (thread, tag) = if split == Split::Merged { (0, 0) } else { (sample.thread, sample.tag) };
            let row = *found.entry((path, thread, tag)).or_insert_with(|| {
                rows.push(Row { path, thread, tag, figures: Figures::default() });
                narrow(rows.len() - 1)
            });
            let row = &mut rows[row as usize];
            row.figures = row.figures.plus(sample.figures);
        }
        let Paths { labels, tree, .. } = paths;
        let mut stacks = Stacks { profile, labels, paths: tree, rows };
        stacks.paths.close();
        stacks.sort();
        Ok(stacks)
    }

    /// The stacks.
    #[must_use]
    pub fn rows(&self) -> &[Row] {
        &self.rows
    }

    /// The steps of a stack, outermost first.
    #[must_use]
    pub fn steps(&self, row: &Row) -> Vec<Step> {
        let mut steps: Vec<Step> = self.innermost_first(row).collect();
        steps.reverse();
        steps
    }

    /// The steps of a stack, innermost first.
    pub fn innermost_first(&self, row: &Row) -> impl Iterator<Item = Step> {
        self.paths.up(row.path).map(|place| self.paths.key(place))
    }

    /// The places of the step at `place` and of all steps outside of it, innermost first. Stacks with equal outer steps share
    /// their places, so work for one place serves all of them.
    pub fn places(&self, place: u32) -> impl Iterator<Item = u32> {
        self.paths.up(place)
    }

    /// The step at a place.
    #[must_use]
    pub fn step(&self, place: u32) -> Step {
        self.paths.key(place)
    }

    /// The number that is above all places.
    #[must_use]
    pub fn end(&self) -> usize {
        self.paths.len()
    }

    /// The number of names.
    #[must_use]
    pub fn labels(&self) -> usize {
        self.labels.len()
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
        let ranks = self.labels.ranks();
        let mut names = Prefixes::new(self.paths.len());
        // The node of a path's names, by the node of the path.
        let mut named = vec![0u32];
        for &(parent, step) in self.paths.nodes() {
            named.push(names.grow(named[parent as usize], step.label));
        }
        let by_name = names.order(|label| ranks[label as usize]);
        // Without paths of the same names there is nothing left to order.
        let by_place = match names.len() == self.paths.len() {
            true => vec![0; self.paths.len()],
            false => self.paths.order(|step| step.at),
        };
        self.rows.sort_unstable_by_key(|row| {
            let path = row.path as usize;
            (by_name[named[path] as usize], by_place[path], row.thread, row.tag)
        });
    }
}

impl Tree for Prefixes<Step> {
    fn grow(&mut self, at: u32, step: Step) -> u32 {
        Prefixes::grow(self, at, step)
    }

    fn check(&self) -> Result<(), Error> {
        Prefixes::check(self)
    }
}
