//! All samples of a run, and the figures that come out of them.

use std::collections::BTreeMap;

use super::sample::Sample;
use super::setup::Setup;
use super::workload::Workload;

/// Samples by setup and workload, then by round.
#[derive(Default)]
pub(crate) struct Results(BTreeMap<(&'static str, &'static str), BTreeMap<usize, Sample>>);

impl Results {
    pub(crate) fn add(
        &mut self,
        round: usize,
        setup: &'static Setup,
        workload: &'static Workload,
        sample: Sample,
    ) {
        self.0.entry((setup.name, workload.name)).or_default().insert(round, sample);
    }

    fn samples(&self, setup: &Setup, workload: &Workload) -> Option<&BTreeMap<usize, Sample>> {
        self.0.get(&(setup.name, workload.name))
    }

    /// The median of a figure, if the setup's samples have it.
    pub(crate) fn median(
        &self,
        setup: &Setup,
        workload: &Workload,
        figure: impl Fn(&Sample) -> Option<f64>,
    ) -> Option<f64> {
        median(self.samples(setup, workload)?.values().filter_map(figure).collect())
    }

    /// The median, over the rounds, of the ratio of a figure under `setup` to the same under `base`.
    pub(crate) fn ratio(
        &self,
        setup: &Setup,
        base: &Setup,
        workload: &Workload,
        figure: impl Fn(&Sample) -> Option<f64>,
    ) -> Option<f64> {
        let bases = self.samples(base, workload)?;
        let ratios = self.samples(setup, workload)?.iter().filter_map(|(round, sample)| {
            let base = figure(bases.get(round)?)?;
            Some(figure(sample)? / base)
        });
        median(ratios.collect())
    }

    /// Pairs in one unit of work: the workload knows them, or an allocator counts them.
    pub(crate) fn pairs_per_unit(&self, workload: &Workload) -> Option<f64> {
        let of_workload = self.0.iter().filter(|((_, name), _)| *name == workload.name);
        let counted = of_workload.flat_map(|(_, rounds)| rounds.values());
        median(counted.filter_map(|sample| Some(sample.pairs? / sample.units)).collect())
    }
}

/// The middle value; of an even number, the mean of the middle two.
pub(crate) fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    let upper = *values.get(middle)?;
    if values.len() % 2 == 1 { Some(upper) } else { Some((values[middle - 1] + upper) / 2.0) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{setup, workload};

    fn sample(units: f64, cpu_ns: f64) -> Sample {
        Sample {
            units,
            pairs: None,
            cpu_ns: Some(cpu_ns),
            process_cpu_ns: 0.0,
            wall_ns: 0.0,
            peak_rss: None,
            output: 0,
        }
    }

    #[test]
    fn the_median_is_the_middle() {
        assert_eq!(median(vec![3.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median(vec![4.0, 1.0, 2.0, 3.0]), Some(2.5));
        assert_eq!(median(vec![]), None);
    }

    #[test]
    fn ratios_are_taken_within_a_round() {
        let [base, setup] = [0, 2].map(|place| setup::available(false)[place]);
        let workload = &workload::ALL[0];
        let mut results = Results::default();
        // Each round is twice as slow as the one before, the ratio stays; the second setup does half the work.
        for (round, slow) in [(1, 1.0), (2, 2.0), (3, 4.0)] {
            results.add(round, base, workload, sample(10.0, 100.0 * slow));
            results.add(round, setup, workload, sample(5.0, 150.0 * slow));
        }
        let per_unit = |sample: &Sample| Some(sample.cpu_ns? / sample.units);
        assert_eq!(results.ratio(setup, base, workload, per_unit), Some(3.0));
        assert_eq!(results.median(base, workload, per_unit), Some(20.0));
        assert_eq!(results.ratio(setup, base, &workload::ALL[1], per_unit), None);
    }
}
