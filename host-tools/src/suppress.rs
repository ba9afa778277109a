//! Suppressions: known leaks, which do not count as live.
//!
//! The files are those of LeakSanitizer and of valgrind. One file may have suppressions of both.
//!
//! - `parse`: reads the files.
//! - `rule`: compares a stack with a suppression.

mod parse;
mod rule;

use std::collections::HashMap;
use std::path::Path;

use memtrack_format::Figures;

use crate::Error;
use crate::profile::{At, Profile, Stack, Suppressed};
use crate::symbolize::hidden;
use rule::{Pattern, Rule, Shown};

/// Suppressions, in the order of their files. The default has none.
#[derive(Default)]
pub struct Suppressions {
    rules: Vec<Rule>,
    patterns: Vec<Pattern>,
}

impl Suppressions {
    /// Reads files.
    ///
    /// # Errors
    /// Returns an error if a file can't be read, or has something else than suppressions.
    pub fn read<'p>(paths: impl IntoIterator<Item = &'p Path>) -> Result<Self, Error> {
        let mut all = Suppressions::default();
        for path in paths {
            let text = crate::input::text(path)?;
            let failed = |reason| Error::Suppressions { path: path.into(), reason };
            parse::parse(&text, &mut all.rules, &mut all.patterns).map_err(failed)?;
        }
        Ok(all)
    }

    /// Reads the text of a file.
    ///
    /// # Errors
    /// Returns the reason, with the line.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut all = Suppressions::default();
        parse::parse(text, &mut all.rules, &mut all.patterns)?;
        Ok(all)
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// Removes the suppressed blocks from the live figures of a profile. The profile stores how much that is.
    pub fn apply(&self, profile: &mut Profile) {
        if self.is_empty() {
            return;
        }
        let mut known: HashMap<At, Vec<bool>> = HashMap::new();
        let mut sums = vec![(0u64, 0u64); self.rules.len()];
        for index in 0..profile.samples.len() {
            let sample = profile.samples[index];
            let Figures { live, live_blocks, .. } = sample.figures;
            if (live == 0 && live_blocks == 0) || sample.unattributed {
                continue;
            }
            let stack = profile.stack(&sample);
            for (which, &at) in stack.places.iter().enumerate() {
                known.entry(at).or_insert_with(|| self.matches(profile, &stack, which));
            }
            let frames: Vec<&[bool]> = stack.places.iter().map(|at| known[at].as_slice()).collect();
            let first = hidden(stack.frames.iter().map(|frame| frame.origin));
            let Some(rule) = self.rules.iter().position(|rule| rule.matches(&self.patterns, &frames, first))
            else {
                continue;
            };
            sums[rule] = (sums[rule].0.saturating_add(live), sums[rule].1.saturating_add(live_blocks));
            let figures = &mut profile.samples[index].figures;
            (figures.live, figures.live_blocks) = (0, 0);
        }
        profile.suppressed = self
            .rules
            .iter()
            .zip(sums)
            .filter(|(_, sum)| *sum != (0, 0))
            .map(|(rule, (bytes, blocks))| Suppressed { name: rule.name.clone(), bytes, blocks })
            .collect();
    }

    /// For each pattern, whether it matches a frame.
    fn matches(&self, profile: &Profile, stack: &Stack, which: usize) -> Vec<bool> {
        let frame = stack.frames[which];
        let symbols = &profile.symbols;
        let location = &symbols.locations()[stack.places[which].location as usize];
        let module = location.place.map(|place| profile.modules.all()[place.module].shown_path());
        let shown = Shown {
            function: symbols.text(frame.function),
            symbol: symbols.text(frame.symbol),
            file: frame.file.map(|file| symbols.text(file)),
            line: frame.line,
            module: module.as_deref(),
        };
        self.patterns.iter().map(|pattern| pattern.matches(&shown)).collect()
    }
}
