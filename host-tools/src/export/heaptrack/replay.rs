//! Computes blocks of a stack from its sums.

use memtrack_format::Figures;

/// An event of a block.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Event {
    Allocate,
    Free,
}

/// A number of blocks and the sum of their bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Blocks {
    pub(super) count: u64,
    pub(super) bytes: u64,
}

/// The blocks of one stack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Replay {
    /// Gone before the peak.
    pub(super) churn: Blocks,
    /// The number of temporary blocks among those.
    pub(super) temporary: u64,
    /// Alive at the peak and at the end.
    pub(super) lasting: Blocks,
    /// Alive at the peak only.
    pub(super) peak_only: Blocks,
    /// Alive at the end only.
    pub(super) end_only: Blocks,
}

impl Blocks {
    /// The sizes with their counts. The bytes are spread evenly.
    pub(super) fn sizes(self) -> impl Iterator<Item = (u64, u64)> {
        let (size, larger) = match self.count {
            0 => (0, 0),
            count => (self.bytes / count, self.bytes % count),
        };
        [(size + 1, larger), (size, self.count - larger)].into_iter().filter(|&(_, count)| count > 0)
    }

    /// Removes one block. The others get its bytes.
    pub(super) fn take_one(&mut self) {
        self.count -= 1;
        if self.count == 0 {
            self.bytes = 0;
        }
    }

    /// One block for `each` of them, and at least one if there are any. The bytes stay.
    fn thinned(self, each: u64) -> Self {
        Blocks { count: self.count.div_ceil(each), ..self }
    }
}

impl Replay {
    /// Chooses the blocks, with as many as possible alive from the peak to the end. `peak` is that of the program: the churn
    /// before it must stay below.
    pub(super) fn new(figures: &Figures, each: u64, peak: u64) -> Self {
        // In a damaged dump, more blocks may be alive than were allocated.
        let figures = &Figures {
            peak_blocks: figures.peak_blocks.min(figures.allocs),
            live_blocks: figures.live_blocks.min(figures.allocs),
            ..*figures
        };
        let most = figures.peak_blocks.min(figures.live_blocks);
        let least = figures.peak_blocks.saturating_sub(figures.allocs - figures.live_blocks);
        let lasting = [most, most.saturating_sub(1), least + 1, least]
            .into_iter()
            .filter(|count| (least..=most).contains(count))
            .find_map(|count| lasting(figures, count))
            .unwrap_or_default();
        let rest = |count: u64, bytes: u64| Blocks {
            count: count.saturating_sub(lasting.count),
            bytes: bytes.saturating_sub(lasting.bytes),
        };
        let peak_only = rest(figures.peak_blocks, figures.peak);
        let end_only = rest(figures.live_blocks, figures.live);
        let count = figures.allocs - figures.peak_blocks.saturating_add(end_only.count).min(figures.allocs);
        let bytes = figures.bytes.saturating_sub(figures.peak.saturating_add(end_only.bytes));
        let churn = Blocks { count, bytes: bytes.min(count.saturating_mul(peak.saturating_sub(1))) };
        let churn = churn.thinned(each);
        Replay {
            churn: Blocks {
                bytes: churn.bytes.min(churn.count.saturating_mul(peak.saturating_sub(1))),
                ..churn
            },
            temporary: figures.temporary.div_ceil(each).min(churn.count),
            lasting: lasting.thinned(each),
            peak_only: peak_only.thinned(each),
            end_only: end_only.thinned(each),
        }
    }
}

/// `count` blocks that were alive at the peak and at the end. `None` if every choice of their bytes gives bytes to a group
/// without blocks.
fn lasting(figures: &Figures, count: u64) -> Option<Blocks> {
    let gone = (figures.allocs - figures.live_blocks).checked_sub(figures.peak_blocks - count)?;
    // The bytes of the churn are all bytes, minus those of the peak and of the end, plus those in both.
    let both = i128::from(figures.peak) + i128::from(figures.live) - i128::from(figures.bytes);
    let mut low = both.max(0);
    let mut high = i128::from(figures.peak.min(figures.live));
    let mut exactly = |bytes: i128| {
        low = low.max(bytes);
        high = high.min(bytes);
    };
    if count == 0 {
        exactly(0);
    }
    if count == figures.peak_blocks {
        exactly(figures.peak.into());
    }
    if count == figures.live_blocks {
        exactly(figures.live.into());
    }
    if gone == 0 {
        exactly(both);
    }
    let share = match figures.live_blocks {
        0 => 0,
        blocks => i128::from(figures.live) * i128::from(count) / i128::from(blocks),
    };
    let bytes = u64::try_from((low <= high).then(|| share.clamp(low, high))?).ok()?;
    Some(Blocks { count, bytes })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figures(allocs: (u64, u64), peak: (u64, u64), live: (u64, u64), temporary: u64) -> Figures {
        Figures {
            allocs: allocs.0,
            bytes: allocs.1,
            peak_blocks: peak.0,
            peak: peak.1,
            live_blocks: live.0,
            live: live.1,
            temporary,
            reallocs: 0,
        }
    }

    /// The sums of a replay.
    fn sums(replay: &Replay) -> [(u64, u64); 3] {
        let sum = |all: &[Blocks]| {
            all.iter().fold((0, 0), |(count, bytes), more| (count + more.count, bytes + more.bytes))
        };
        let Replay { churn, lasting, peak_only, end_only, .. } = *replay;
        [sum(&[churn, lasting, peak_only, end_only]), sum(&[lasting, peak_only]), sum(&[lasting, end_only])]
    }

    #[test]
    fn the_sums_are_those_of_the_dump() {
        for (allocs, peak, live) in [
            ((10, 1000), (4, 400), (3, 300)),
            ((2, 300), (1, 100), (1, 200)),
            ((2, 300), (2, 300), (2, 300)),
            ((3, 60), (2, 50), (1, 10)),
            ((5, 500), (0, 0), (5, 500)),
            ((5, 500), (5, 500), (0, 0)),
            ((7, 0), (3, 0), (2, 0)),
            ((1, 9), (0, 0), (0, 0)),
            ((3, 111), (2, 101), (2, 110)),
        ] {
            let replay = Replay::new(&figures(allocs, peak, live, 0), 1, 1 << 20);
            assert_eq!(sums(&replay), [allocs, peak, live], "{replay:?}");
            for blocks in [replay.churn, replay.lasting, replay.peak_only, replay.end_only] {
                assert!(blocks.count > 0 || blocks.bytes == 0, "{replay:?}");
                let sizes = blocks.sizes().map(|(size, count)| (count, size * count));
                let total = sizes.fold((0, 0), |sum, more| (sum.0 + more.0, sum.1 + more.1));
                assert_eq!(total, (blocks.count, blocks.bytes));
            }
        }
    }

    #[test]
    fn nothing_before_the_peak_is_as_large() {
        let replay = Replay::new(&figures((2, 5000), (1, 100), (1, 100), 1), 1, 100);
        assert_eq!(replay.churn, Blocks { count: 1, bytes: 99 });
        assert_eq!(replay.temporary, 1);
    }

    #[test]
    fn too_many_blocks_are_thinned_without_losing_bytes() {
        let replay = Replay::new(&figures((1000, 100_000), (100, 10_000), (10, 1000), 500), 100, 10_000);
        assert_eq!(replay.lasting, Blocks { count: 1, bytes: 1000 });
        assert_eq!(replay.peak_only, Blocks { count: 1, bytes: 9000 });
        assert_eq!((replay.churn.count, replay.temporary), (9, 5));
    }

    #[test]
    fn contradictory_figures_are_no_panic() {
        let replay = Replay::new(&figures((1, 1), (5, u64::MAX), (7, u64::MAX), u64::MAX), 1, 10);
        assert!(replay.temporary <= replay.churn.count);
    }
}
