//! The report: a line for each channel, with a curve.

use alloc::format;
use alloc::string::String;

use crate::{Config, Series};

/// Columns of a curve.
const COLUMNS: usize = 16;
/// The curve's letters, low to high.
const LEVELS: &[u8] = b"_.-=^";

/// The report as text.
#[inline(never)]
pub fn report(config: &Config, raw: &[Series<'_>], filtered: &[Series<'_>]) -> String {
    let mut text = format!("{}, {} readings\n", config.station, config.samples);
    for (raw, series) in raw.iter().zip(filtered) {
        text.push_str(&line(series, raw.readings.len()));
    }
    text
}

fn line(series: &Series<'_>, read: usize) -> String {
    let channel = series.channel;
    let readings = &series.readings;
    let (Some(&low), Some(&high)) = (readings.iter().min(), readings.iter().max()) else {
        return format!("  {:<12} no valid reading\n", channel.name);
    };
    let mean = (readings.iter().map(|&r| i64::from(r)).sum::<i64>() / readings.len() as i64) as i32;
    format!(
        "  {:<12} {:>7} {:>7} {:>7} {:<4} {} ({} dropped)\n",
        channel.name,
        decimal(low, channel.scale),
        decimal(mean, channel.scale),
        decimal(high, channel.scale),
        channel.unit,
        curve(readings, low, high),
        read - readings.len()
    )
}

fn decimal(value: i32, scale: i32) -> String {
    let sign = if value < 0 { "-" } else { "" };
    format!("{sign}{}.{}", value.abs() / scale, value.abs() % scale * 10 / scale)
}

fn curve(readings: &[i32], low: i32, high: i32) -> String {
    let span = (high - low).max(1) as usize;
    (0..COLUMNS)
        .map(|column| {
            let reading = readings[column * readings.len() / COLUMNS];
            let level = (reading - low) as usize * (LEVELS.len() - 1) / span;
            char::from(LEVELS[level])
        })
        .collect()
}
