//! The configuration: the channels to measure, and how to filter them.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use miniserde::{Deserialize, json};

/// A configuration.
#[derive(Debug, Deserialize)]
pub struct Config {
    /// The place of the sensors.
    pub station: String,
    /// Readings of each channel.
    pub samples: u32,
    /// The channels.
    pub channels: Vec<Channel>,
}

/// A sensor.
#[derive(Debug, PartialEq, Eq, Deserialize)]
pub struct Channel {
    /// The quantity that it measures.
    pub name: String,
    /// The unit.
    pub unit: String,
    /// Steps of a reading in one unit: 10 for tenths.
    pub scale: i32,
    /// Readings below this are errors of the sensor.
    pub low: i32,
    /// Readings above this are errors of the sensor.
    pub high: i32,
    /// The number of readings in a median.
    pub window: u32,
}

/// Why a text is not a configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Invalid {
    /// It is not JSON, or lacks a field.
    Json,
    /// The limits or the window of a channel are impossible.
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
    /// If the text is not a configuration.
    #[inline(never)]
    pub fn parse(text: &str) -> Result<Config, Invalid> {
        let config: Config = json::from_str(text).map_err(|_| Invalid::Json)?;
        let usable = |c: &Channel| c.low < c.high && c.scale > 0 && c.window > 0;
        if config.channels.iter().all(usable) { Ok(config) } else { Err(Invalid::Channel) }
    }
}
