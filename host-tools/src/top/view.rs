//! The live view: the recording, the chosen metric and order, and the last shot.

use super::names::Names;
use super::shot::Shot;
use super::source::Source;
use crate::Error;
use crate::profile::Metric;
use crate::symbolize::Options;

/// The metrics that can be shown. The view starts with the first.
const METRICS: [Metric; 5] = [Metric::Live, Metric::Peak, Metric::Bytes, Metric::Allocs, Metric::Temporary];

/// The order of the rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// By the metric, largest first.
    Figure,
    /// By name.
    Name,
}

/// A live view.
pub struct Top {
    source: Source,
    options: Options,
    names: Names,
    metric: Metric,
    pub(super) order: Order,
    pub(super) shot: Option<Shot>,
    /// Allocations and bytes per second between the last two shots.
    pub(super) rates: Option<[f64; 2]>,
}

impl Top {
    /// A view of a recording. `options` say how to name addresses.
    #[must_use]
    pub fn new(source: Source, metric: Metric, options: Options) -> Self {
        let (names, order) = (Names::default(), Order::Figure);
        Top { source, options, names, metric, order, shot: None, rates: None }
    }

    /// Reads the recording.
    ///
    /// # Errors
    /// Returns an error if the recording can no longer be read, or if a binary that the user gave can't be used.
    pub fn refresh(&mut self) -> Result<(), Error> {
        let (names, options) = (&mut self.names, &self.options);
        let shot = self.source.look(|dump, running| Shot::new(dump, running, self.metric, names, options))?;
        self.rates = self.shot.as_ref().and_then(|before| shot.rates_since(before));
        self.shot = Some(shot);
        Ok(())
    }

    /// Switches to the next metric.
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

    /// Switches to the other order.
    pub fn next_order(&mut self) {
        self.order = if self.order == Order::Figure { Order::Name } else { Order::Figure };
    }
}
