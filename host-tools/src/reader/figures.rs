//! Sums of figures.

use memtrack_format::Figures;

/// Adds figures. A sum stops at the largest 64-bit number, and the check of the accounting equations reports
/// it.
pub(crate) fn plus(a: &Figures, b: &Figures) -> Figures {
    Figures {
        allocs: a.allocs.saturating_add(b.allocs),
        bytes: a.bytes.saturating_add(b.bytes),
        live: a.live.saturating_add(b.live),
        live_blocks: a.live_blocks.saturating_add(b.live_blocks),
        peak: a.peak.saturating_add(b.peak),
        peak_blocks: a.peak_blocks.saturating_add(b.peak_blocks),
        temporary: a.temporary.saturating_add(b.temporary),
        reallocs: a.reallocs.saturating_add(b.reallocs),
    }
}
