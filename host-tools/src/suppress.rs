//! Suppressions: which blocks that are still alive are known, and left out of `live`. The files are those of LeakSanitizer
//! and of valgrind, as they are; one file may hold both.

mod parse;
mod rule;

use std::collections::HashMap;
use std::path::Path;

use memtrack_format::Figures;

use crate::Error;
use crate::profile::{At, Profile, Stack};
use crate::symbolize::hidden;
use crate::table::Table;
use crate::units::{bytes, count, things};
use rule::{Pattern, Rule, Shown};

/// Suppressions, in the order of their files. The default is none.
#[derive(Default)]
pub struct Suppressions {
    rules: Vec<Rule>,
    patterns: Vec<Pattern>,
}

/// What one suppression left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Suppressed {
    /// Its name: the first line of valgrind's, `leak:PATTERN`.
    pub name: String,
    /// Bytes that are alive.
    pub bytes: u64,
    /// Their blocks.
    pub blocks: u64,
}

impl Suppressions {
    /// Reads files.
    ///
    /// # Errors
    /// When one can't be read, or holds something else.
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
    /// What is wrong, with the line.
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

    /// Takes what is suppressed out of the live bytes and blocks of a profile, which keeps how much that is.
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

    /// Which patterns match a frame.
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

/// What was left out, in one line; `None` when nothing was.
#[must_use]
pub fn summary(suppressed: &[Suppressed]) -> Option<String> {
    let sum = |of: fn(&Suppressed) -> u64| suppressed.iter().map(of).fold(0, u64::saturating_add);
    let (held, blocks) = (sum(|one| one.bytes), sum(|one| one.blocks));
    (!suppressed.is_empty()).then(|| {
        let by = things(suppressed.len() as u64, "suppression");
        format!("left out of live: {} in {} by {by}", bytes(held), things(blocks, "block"))
    })
}

/// What was left out by which suppression, the most first.
#[must_use]
pub fn table(suppressed: &[Suppressed]) -> Table {
    let mut sorted: Vec<&Suppressed> = suppressed.iter().collect();
    sorted.sort_by_key(|one| (std::cmp::Reverse((one.bytes, one.blocks)), &one.name));
    let mut table = Table::new(&[">suppressed", ">blocks", "by"]);
    for one in sorted {
        table.row([bytes(one.bytes), count(one.blocks), one.name.clone()]);
    }
    table
}
