//! The limits of `memtrack-fold check`, and the comparison of a dump with them.

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Deserializer, de};

use crate::Error;
use crate::profile::Profile;
use crate::table::Table;
use crate::units;

/// The limits. `None` means no limit.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Limits {
    /// The limit of the bytes that are alive at a time.
    pub max_peak: Option<Size>,
    /// The limit of the bytes that are alive while a stage runs, by its name.
    pub max_stage_peak: BTreeMap<String, Size>,
    /// The limit of the bytes that are alive when the dump is taken.
    pub max_live_at_exit: Option<Size>,
    /// The limit of the number of allocations.
    pub max_allocs: Option<u64>,
}

/// A number of bytes: `67108864`, `"64MiB"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Size(pub u64);

impl<'de> Deserialize<'de> for Size {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged, expecting = "a size like 4096 or \"64MiB\"")]
        enum Written {
            Number(u64),
            Text(String),
        }
        match Written::deserialize(from)? {
            Written::Number(bytes) => Ok(Size(bytes)),
            Written::Text(text) => units::parse_bytes(&text).map(Size).map_err(de::Error::custom),
        }
    }
}

/// A limit, compared with the program.
#[derive(Clone, Debug)]
pub struct Verdict {
    /// The limited figure: `peak`, `peak of stage parse`.
    pub what: String,
    /// The limit.
    pub limit: u64,
    /// The figure of the program.
    pub actual: u64,
    /// The format of both.
    human: fn(u64) -> String,
}

impl Verdict {
    /// Whether the program kept the limit.
    #[must_use]
    pub fn kept(&self) -> bool {
        self.actual <= self.limit
    }

    /// The reason for failure, in one line.
    #[must_use]
    pub fn reason(&self) -> String {
        let over = (self.human)(self.actual.saturating_sub(self.limit));
        format!(
            "{} is {}, {over} over its limit of {}",
            self.what,
            (self.human)(self.actual),
            (self.human)(self.limit)
        )
    }
}

impl Limits {
    /// Reads a TOML file.
    ///
    /// # Errors
    /// Returns an error if it can't be read, or has something else than limits.
    pub fn read(path: &Path) -> Result<Self, Error> {
        let text = crate::input::text(path)?;
        Limits::parse(&text).map_err(|reason| Error::Limits { path: path.into(), reason })
    }

    /// Reads the text of a file.
    ///
    /// # Errors
    /// Returns the reason, with the line.
    pub fn parse(text: &str) -> Result<Self, String> {
        toml::from_str(text).map_err(|e| {
            let before = e.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
            format!("line {}: {}", before.matches('\n').count() + 1, e.message())
        })
    }

    /// These limits, overridden by those of `wins`.
    #[must_use]
    pub fn overridden(mut self, wins: Limits) -> Self {
        self.max_stage_peak.extend(wins.max_stage_peak);
        Limits {
            max_peak: wins.max_peak.or(self.max_peak),
            max_stage_peak: self.max_stage_peak,
            max_live_at_exit: wins.max_live_at_exit.or(self.max_live_at_exit),
            max_allocs: wins.max_allocs.or(self.max_allocs),
        }
    }

    /// Compares a program with the limits.
    ///
    /// # Errors
    /// Returns an error if the dump lacks the program's figures, or a stage.
    pub fn judge(&self, profile: &Profile) -> Result<Vec<Verdict>, Error> {
        let mut verdicts = Vec::new();
        let mut add = |what: String, limit: u64, actual: u64, human| {
            verdicts.push(Verdict { what, limit, actual, human });
        };
        let figures = || profile.marks.map(|marks| marks.figures).ok_or(Error::NoFigures);
        if let Some(Size(limit)) = self.max_peak {
            add("peak".into(), limit, figures()?.peak, units::bytes);
        }
        for (name, &Size(limit)) in &self.max_stage_peak {
            let peaks =
                profile.stages.iter().filter(|stage| stage.name == *name).map(|stage| stage.figures.peak);
            let Some(peak) = peaks.max() else {
                return Err(Error::unknown(
                    "stage",
                    name,
                    profile.stages.iter().map(|stage| stage.name.as_str()),
                ));
            };
            add(format!("peak of stage {name}"), limit, peak, units::bytes);
        }
        if let Some(Size(limit)) = self.max_live_at_exit {
            let known = profile.suppressed.iter().map(|one| one.bytes).fold(0, u64::saturating_add);
            add("live at exit".into(), limit, figures()?.live.saturating_sub(known), units::bytes);
        }
        if let Some(limit) = self.max_allocs {
            add("number of allocations".into(), limit, figures()?.allocs, units::count);
        }
        Ok(verdicts)
    }
}

/// The verdicts as a table.
#[must_use]
pub fn table(verdicts: &[Verdict]) -> Table {
    let mut table = Table::new(&["limit of", ">was", ">most", ">used", "verdict"]);
    for verdict in verdicts {
        table.row([
            verdict.what.clone(),
            (verdict.human)(verdict.actual),
            (verdict.human)(verdict.limit),
            units::percent(verdict.actual, verdict.limit),
            if verdict.kept() { "kept".into() } else { "EXCEEDED".into() },
        ]);
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Limits, String> {
        toml::from_str(text).map_err(|e: toml::de::Error| e.message().to_string())
    }

    #[test]
    fn a_file_says_what_flags_say() {
        let limits =
            parse("max-peak = \"1.5 KiB\"\nmax-allocs = 7\n[max-stage-peak]\n\"a b\" = 9\n").expect("valid");
        assert_eq!(limits.max_peak, Some(Size(1536)));
        assert_eq!(limits.max_allocs, Some(7));
        assert_eq!(limits.max_live_at_exit, None);
        assert_eq!(limits.max_stage_peak, BTreeMap::from([("a b".to_string(), Size(9))]));
    }

    #[test]
    fn a_misspelt_limit_is_no_limit_that_passes() {
        assert!(parse("max-peek = 1").is_err_and(|e| e.contains("max-peek")));
        assert!(parse("max-peak = \"much\"").is_err());
        assert!(parse("max-peak = -1").is_err());
    }

    #[test]
    fn flags_win_over_the_file() {
        let file = parse("max-peak = 1\nmax-allocs = 2\n[max-stage-peak]\na = 3\nb = 4\n").expect("valid");
        let flags = parse("max-peak = 10\n[max-stage-peak]\na = 30\n").expect("valid");
        let both = file.overridden(flags);
        assert_eq!((both.max_peak, both.max_allocs), (Some(Size(10)), Some(2)));
        assert_eq!(both.max_stage_peak["a"], Size(30));
        assert_eq!(both.max_stage_peak["b"], Size(4));
    }

    #[test]
    fn a_limit_may_be_reached_but_not_passed() {
        let verdict = |actual| Verdict { what: "peak".into(), limit: 1024, actual, human: units::bytes };
        assert!(verdict(1024).kept() && !verdict(1025).kept());
        assert_eq!(verdict(3072).reason(), "peak is 3.00 KiB, 2.00 KiB over its limit of 1.00 KiB");
    }
}
