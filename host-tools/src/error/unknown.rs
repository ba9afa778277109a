//! The error for a name that does not exist, with the nearest names that do.

use std::collections::BTreeSet;

use super::Error;

impl Error {
    /// The error for an unknown name, with the most similar known names.
    #[must_use]
    pub fn unknown<'n>(what: &'static str, name: &str, known: impl Iterator<Item = &'n str>) -> Error {
        /// The number of names that fit into a line.
        const SUGGESTIONS: usize = 3;
        let lower = name.to_lowercase();
        let likeness = |other: &str| {
            let other = other.to_lowercase();
            let part = if other.contains(&lower) || lower.contains(&other) { 1.0 } else { 0.0 };
            part + strsim::jaro_winkler(&lower, &other)
        };
        let known: BTreeSet<&str> = known.collect();
        let mut known: Vec<(f64, &str)> = known.into_iter().map(|other| (likeness(other), other)).collect();
        known.sort_by(|a, b| b.0.total_cmp(&a.0));
        known.truncate(SUGGESTIONS);
        Error::Unknown {
            what,
            name: name.into(),
            near: known.into_iter().map(|(_, name)| name.into()).collect(),
        }
    }
}
