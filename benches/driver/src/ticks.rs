//! The share of the machine that other programs took during the measurements. With a large share the figures are worth less.

use std::fs;

use anyhow::{Context, Result};

/// Clock ticks since the machine started, all processors together.
pub(crate) struct Ticks {
    all: u64,
    idle: u64,
    /// The ticks of the programs that this process started and waited for.
    own: u64,
}

impl Ticks {
    pub(crate) fn now() -> Result<Self> {
        let machine = fs::read_to_string("/proc/stat")?;
        let process = fs::read_to_string("/proc/self/stat")?;
        Self::parse(&machine, &process).context("/proc/stat is not as it is documented in proc(5)")
    }

    fn parse(machine: &str, process: &str) -> Option<Self> {
        // user, nice, system, idle, iowait, irq, softirq, steal
        let line = machine.lines().next()?.strip_prefix("cpu")?;
        let fields: Vec<u64> =
            line.split_whitespace().take(8).map(str::parse).collect::<Result<_, _>>().ok()?;
        // The name, in parentheses, may hold anything; cutime and cstime are the 14th and 15th field behind it.
        let (_, rest) = process.rsplit_once(')')?;
        let children = rest.split_whitespace().skip(13).take(2).map(str::parse::<u64>);
        let own = children.collect::<Result<Vec<_>, _>>().ok()?.iter().sum();
        Some(Self { all: fields.iter().sum(), idle: fields.get(3)? + fields.get(4)?, own })
    }

    /// The share of the machine, from 0 to 1, that others took since `before`.
    pub(crate) fn taken_by_others(&self, before: &Self) -> f64 {
        let all = (self.all - before.all).max(1);
        let busy = all.saturating_sub(self.idle - before.idle);
        busy.saturating_sub(self.own - before.own) as f64 / all as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ticks(machine: &str, children: &str) -> Ticks {
        let process = format!("42 (a (very) odd) name) S 1 2 3 4 5 6 7 8 9 10 11 12 {children} 20 0 1");
        Ticks::parse(machine, &process).unwrap()
    }

    #[test]
    fn what_is_neither_idle_nor_ours_is_others() {
        let before = ticks("cpu  10 0 10 100 0 0 0 0 0 0\ncpu0 1", "5 5");
        // 100 ticks later: 40 idle, 10 waiting for a disk, 50 busy, of which 30 are ours.
        let after = ticks("cpu  30 5 30 140 10 1 2 2 0 0\ncpu0 1", "25 15");
        assert_eq!(after.taken_by_others(&before), 0.2);
    }

    #[test]
    fn other_text_is_refused() {
        assert!(Ticks::parse("cpu 1 2", "1 (x) S").is_none());
        assert!(Ticks::parse("", "").is_none());
    }
}
