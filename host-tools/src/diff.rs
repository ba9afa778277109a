//! Compares two dumps by function names, since addresses differ between builds.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::io::{self, Write};

use inferno::flamegraph::{self, Options};

use crate::clean::clean;
use crate::export::{Style, folded, svg};
use crate::profile::{Flame, Metric};
use crate::table::Table;
use crate::units::percent;

/// Smaller changes, as a share of the larger total, are not in the table.
const MIN_PERCENT: f64 = 0.1;

/// A value before and after.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pair {
    /// The value in the older dump.
    pub before: u64,
    /// The value in the newer dump.
    pub after: u64,
}

impl Pair {
    /// The newer value minus the older one.
    #[must_use]
    pub fn growth(self) -> i128 {
        i128::from(self.after) - i128::from(self.before)
    }
}

/// The comparison of two views of one metric.
pub struct Diff {
    /// The metric.
    pub metric: Metric,
    /// The totals.
    pub total: Pair,
    /// Folded stacks, those that grew most first.
    stacks: Vec<(String, Pair)>,
    /// Functions with their own values and their values with calls, those that grew most first.
    functions: Vec<(String, Pair, Pair)>,
}

impl Diff {
    /// Compares two trees of frames.
    #[must_use]
    pub fn new(metric: Metric, before: &Flame, after: &Flame) -> Self {
        let mut stacks: BTreeMap<String, Pair> = BTreeMap::new();
        let mut functions: BTreeMap<&str, (Pair, Pair)> = BTreeMap::new();
        for (flame, set) in [(before, set_before as fn(&mut Pair, u64)), (after, set_after)] {
            let _: Result<(), ()> = folded::lines(flame, |line| {
                if let Some((stack, count)) = line.rsplit_once(' ') {
                    set(stacks.entry(stack.into()).or_default(), count.parse().unwrap_or(u64::MAX));
                }
                Ok(())
            });
            for (name, own, total) in flame.functions() {
                let entry = functions.entry(name).or_default();
                set(&mut entry.0, own);
                set(&mut entry.1, total);
            }
        }
        let mut stacks: Vec<_> = stacks.into_iter().collect();
        stacks.sort_by_key(|(_, pair)| Reverse(pair.growth()));
        let mut functions: Vec<_> =
            functions.into_iter().map(|(name, (own, total))| (name.into(), own, total)).collect();
        functions.sort_by_key(|(_, own, total)| Reverse((own.growth(), total.growth())));
        let total = Pair { before: before.root().total, after: after.root().total };
        Diff { metric, total, stacks, functions }
    }

    /// Writes `outer;…;inner BEFORE AFTER`. inferno and `flamegraph.pl` draw differential graphs from these
    /// lines.
    ///
    /// # Errors
    /// Returns an error if `out` fails.
    pub fn folded(&self, out: &mut dyn Write) -> io::Result<()> {
        self.stacks
            .iter()
            .try_for_each(|(stack, pair)| writeln!(out, "{stack} {} {}", pair.before, pair.after))
    }

    /// Draws the newer graph, red where it grew and blue where it shrank.
    ///
    /// # Errors
    /// Returns an error if `out` fails.
    pub fn svg(
        &self,
        title: &str,
        subtitle: Option<String>,
        style: &Style,
        out: &mut dyn Write,
    ) -> io::Result<()> {
        let mut options = Options::default();
        options.title = style.title.as_deref().map_or_else(|| title.into(), clean);
        options.subtitle = subtitle;
        options.direction = svg::direction(style);
        options.count_name = self.metric.unit().into();
        options.deterministic = true;
        options.min_width = style.min_percent.unwrap_or(svg::MIN_PERCENT);
        if self.total.after == 0 {
            return svg::empty(&options, self.metric, out);
        }
        let lines: Vec<String> = self
            .stacks
            .iter()
            .map(|(stack, pair)| format!("{stack} {} {}", pair.before, pair.after))
            .collect();
        flamegraph::from_lines(&mut options, lines.iter().map(String::as_str), out)
    }

    /// Writes the totals and the functions that changed, those that grew most first.
    ///
    /// # Errors
    /// Returns an error if `out` fails.
    pub fn text(
        &self,
        title: &str,
        subtitle: Option<&str>,
        style: &Style,
        out: &mut dyn Write,
    ) -> io::Result<()> {
        writeln!(out, "{}", style.title.as_deref().map_or_else(|| title.into(), clean))?;
        subtitle.iter().try_for_each(|subtitle| writeln!(out, "{subtitle}"))?;
        let Pair { before, after } = self.total;
        writeln!(out, "total: {before} → {after} {} ({})", self.metric.unit(), self.change(self.total))?;
        let whole = before.max(after);
        let least = whole as f64 * style.min_percent.unwrap_or(MIN_PERCENT) / 100.0;
        let changed = |pair: &Pair| pair.growth() != 0 && pair.growth().unsigned_abs() as f64 >= least;
        let mut table =
            Table::new(&[">own growth", ">", ">before", ">after", ">growth with calls", "function"]);
        for (name, own, total) in &self.functions {
            if changed(own) || changed(total) {
                table.row([
                    self.change(*own),
                    percent(u64::try_from(own.growth().unsigned_abs()).unwrap_or(u64::MAX), whole),
                    self.metric.human(own.before),
                    self.metric.human(own.after),
                    self.change(*total),
                    name.clone(),
                ]);
            }
        }
        if table.is_empty() { writeln!(out, "no function changed") } else { write!(out, "\n{table}") }
    }

    /// A change with its sign: `+1.50 KiB`, `-3`, `0`.
    fn change(&self, pair: Pair) -> String {
        match pair.before.cmp(&pair.after) {
            std::cmp::Ordering::Less => format!("+{}", self.metric.human(pair.after - pair.before)),
            std::cmp::Ordering::Equal => "0".into(),
            std::cmp::Ordering::Greater => format!("-{}", self.metric.human(pair.before - pair.after)),
        }
    }
}

fn set_before(pair: &mut Pair, value: u64) {
    pair.before = value;
}

fn set_after(pair: &mut Pair, value: u64) {
    pair.after = value;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn growth_has_a_sign_and_no_limit() {
        assert_eq!(Pair { before: 5, after: 3 }.growth(), -2);
        assert_eq!(Pair { before: 0, after: u64::MAX }.growth(), i128::from(u64::MAX));
        assert_eq!(Pair { before: u64::MAX, after: 0 }.growth(), -i128::from(u64::MAX));
    }
}
