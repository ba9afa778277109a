//! The configuration: what is measured, and how it is filtered.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use miniserde::{Deserialize, json};

/// What to measure.
#[derive(Debug, Deserialize)]
pub struct Config {
    /// Where the sensors are.
    pub station: String,
    /// Readings of each channel.
    pub samples: u32,
    /// The channels.
    pub channels: Vec<Channel>,
}

/// A sensor.
#[derive(Debug, PartialEq, Eq, Deserialize)]
pub struct Channel {
    /// What it measures.
    pub name: String,
    /// In what.
    pub unit: String,
    /// Units of a reading: 10 for tenths.
    pub scale: i32,
    /// Readings below are errors of the sensor.
    pub low: i32,
    /// Readings above are errors of the sensor.
    pub high: i32,
    /// Readings that the median is taken of.
    pub window: u32,
}

/// Why a text is no configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Invalid {
    /// It is not JSON, or lacks a field.
    Json,
    /// A channel's limits or window make no sense.
    Channel,
}

impl fmt::Display for Invalid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Invalid::Json => "the configuration is not JSON, or a field is missing",
            Invalid::Channel => "a channel needs low < high, a scale and a window of at least 1",
        })
    }
}

impl Config {
    /// Reads a configuration.
    ///
    /// # Errors
    /// When the text is not one.
    #[inline(never)]
    pub fn parse(text: &str) -> Result<Config, Invalid> {
        let config: Config = json::from_str(text).map_err(|_| Invalid::Json)?;
        let usable = |c: &Channel| c.low < c.high && c.scale > 0 && c.window > 0;
        if config.channels.iter().all(usable) { Ok(config) } else { Err(Invalid::Channel) }
    }
}
