//! The live view: what a recording says, again and again, while its program runs and without its help.
//!
//! `source` finds the recording and reads it, `shot` is what it says at one moment, `names` has the names of stacks
//! that were seen before, and `screen` draws it all into whatever terminal there is, or into text.

mod names;
mod screen;
mod shot;
mod source;

pub use screen::{draw, text};
pub use shot::{Shot, Stack};
pub use source::Source;

use crate::Error;
use crate::profile::Metric;
use crate::symbolize::Options;
use names::Names;

/// What can be counted: the first is shown first.
const METRICS: [Metric; 5] = [Metric::Live, Metric::Peak, Metric::Bytes, Metric::Allocs, Metric::Temporary];

/// What the rows are ordered by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// The metric, largest first.
    Figure,
    /// Their names.
    Name,
}

/// A live view.
pub struct Top {
    source: Source,
    options: Options,
    names: Names,
    metric: Metric,
    order: Order,
    shot: Option<Shot>,
    /// Allocations and bytes a second, between the last two shots.
    rates: Option<[f64; 2]>,
}

impl Top {
    /// A view of a recording, whose addresses are named as `options` say.
    #[must_use]
    pub fn new(source: Source, metric: Metric, options: Options) -> Self {
        let (names, order) = (Names::default(), Order::Figure);
        Top { source, options, names, metric, order, shot: None, rates: None }
    }

    /// Looks at the recording.
    ///
    /// # Errors
    /// When it can't be read any more, or a binary that the user gave can't be used.
    pub fn refresh(&mut self) -> Result<(), Error> {
        let (names, options) = (&mut self.names, &self.options);
        let shot = self.source.look(|dump, running| Shot::new(dump, running, self.metric, names, options))?;
        self.rates = self.shot.as_ref().and_then(|before| shot.rates_since(before));
        self.shot = Some(shot);
        Ok(())
    }

    /// Counts the next metric.
    ///
    /// # Errors
    /// As [`refresh`](Self::refresh).
    pub fn next_metric(&mut self) -> Result<(), Error> {
        let at = METRICS.iter().position(|&metric| metric == self.metric).unwrap_or(0);
        self.metric = METRICS[(at + 1) % METRICS.len()];
        let rates = self.rates;
        self.refresh()?;
        self.rates = rates;
        Ok(())
    }

    /// Orders the rows the other way.
    pub fn next_order(&mut self) {
        self.order = if self.order == Order::Figure { Order::Name } else { Order::Figure };
    }
}
