//! Filtering: errors of the sensor are dropped, the rest is smoothed by a running median.

use alloc::vec::Vec;

use crate::Series;

/// The readings after filtering.
#[inline(never)]
pub fn filter<'c>(raw: &[Series<'c>]) -> Vec<Series<'c>> {
    raw.iter().map(|series| Series { channel: series.channel, readings: smooth(series) }).collect()
}

fn smooth(series: &Series<'_>) -> Vec<i32> {
    let valid = within(series);
    let window = series.channel.window as usize;
    (0..valid.len()).map(|i| median(&valid[i.saturating_sub(window - 1)..=i])).collect()
}

#[inline(never)]
fn within(series: &Series<'_>) -> Vec<i32> {
    let limits = series.channel.low..=series.channel.high;
    series.readings.iter().copied().filter(|reading| limits.contains(reading)).collect()
}

#[inline(never)]
fn median(window: &[i32]) -> i32 {
    let mut sorted = window.to_vec();
    sorted.sort_unstable();
    sorted[sorted.len() / 2]
}
