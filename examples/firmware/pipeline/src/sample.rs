//! Sampling. The sensors are simulated: a wave for each channel, noise, and now and then a reading that no sensor
//! should return. It is the same on every target.

use alloc::vec::Vec;

use crate::{Channel, Config, Series};

/// One reading in this many is wrong.
const SPIKE: u32 = 13;

/// Reads all channels.
#[inline(never)]
pub fn sample(config: &Config) -> Vec<Series<'_>> {
    let mut noise = Noise(2463534242);
    config
        .channels
        .iter()
        .map(|channel| Series { channel, readings: read(channel, config.samples, &mut noise) })
        .collect()
}

fn read(channel: &Channel, samples: u32, noise: &mut Noise) -> Vec<i32> {
    // Readings arrive one by one, and their number is not known in advance.
    let mut readings = Vec::new();
    for i in 0..samples {
        let span = channel.high - channel.low;
        let wave = channel.low + span / 4 + span / 2 * triangle(i) / 32;
        let jitter = (noise.next() % 9) as i32 - 4;
        let spike = if noise.next() % SPIKE == 0 { 4 * span } else { 0 };
        readings.push(wave + jitter + spike);
    }
    readings
}

/// Rises to 32 and falls again.
fn triangle(i: u32) -> i32 {
    let i = (i % 64) as i32;
    if i < 32 { i } else { 64 - i }
}

/// Marsaglia's xorshift.
struct Noise(u32);

impl Noise {
    fn next(&mut self) -> u32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 17;
        self.0 ^= self.0 << 5;
        self.0
    }
}
