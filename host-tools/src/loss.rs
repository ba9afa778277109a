//! Losses in words: the missing part of the figures, and the remedy.
//!
//! A tracker counts the events that it could not record in full, by cause. The table below has the facts about each cause:
//! the kind of loss, its missing part, and the remedy for each way of running the tracker.

use memtrack_format::{Loss, LossCause};

use crate::units;

/// The facts about a cause.
struct Facts {
    /// The name of one loss.
    thing: &'static str,
    /// Its missing part, or its fate.
    effect: &'static str,
    /// The remedy in a program with a tracker of its own; empty if there is none.
    remedy: &'static str,
    /// The remedy under the preloaded library, whose tables have a fixed size, if it differs.
    preloaded: Option<&'static str>,
}

/// The facts about a cause; `None` for a cause of a newer version.
fn facts(cause: LossCause) -> Option<Facts> {
    let facts = |thing, effect, remedy| Facts { thing, effect, remedy, preloaded: None };
    let or_preloaded =
        |thing, effect, remedy, preloaded| Facts { thing, effect, remedy, preloaded: Some(preloaded) };
    Some(match cause {
        LossCause::Reentered => facts("event", "without thread and stack", ""),
        LossCause::NoThread => facts("event", "without thread and stack", ""),
        LossCause::Paused => facts("event", "without thread and stack", ""),
        LossCause::ThreadsFull => {
            or_preloaded("event", "without thread", "give the region more thread slots", LARGER_TABLES)
        }
        LossCause::StacksFull => {
            or_preloaded("event", "with inner frames cut", "give the region more stack nodes", LARGER_TABLES)
        }
        LossCause::CellsFull => {
            or_preloaded("event", "without thread and stack", "give the region more cells", LARGER_TABLES)
        }
        LossCause::TooDeep => or_preloaded(
            "stack",
            "truncated",
            "raise the region's stack depth",
            "libmemtrack.so captures no more frames of a stack: the innermost ones are shown",
        ),
        LossCause::Unwind => or_preloaded(
            "stack",
            "truncated",
            "choose another unwinder, or keep unwind tables (or frame pointers) in the build",
            "keep unwind tables in the build: -fasynchronous-unwind-tables",
        ),
        LossCause::CorruptTrailer => facts(
            "free",
            "not counted",
            "the program writes past the end of a block, or frees a block of another allocator",
        ),
        LossCause::StagesFull => {
            or_preloaded("stage", "not listed", "give the region more finished stages", FEWER_NAMES)
        }
        LossCause::StageDepth => facts("stage", "not listed", "nest stages less deep"),
        LossCause::TagsFull => or_preloaded(
            "event",
            "counted under an outer tag",
            "use fewer tags, or give the region more",
            FEWER_NAMES,
        ),
        LossCause::RecordTooLarge => facts("record", "left out", ""),
        LossCause::OtherAllocator => facts(
            "allocator",
            "not tracked",
            "nothing can be preloaded in its place: link libmemtrack.a into the program and let it call \
             memtrack_malloc, or use -Wl,--wrap (docs/c.md)",
        ),
        LossCause::NoUsableSize => facts(
            "allocator",
            "not tracked",
            "preload another allocator, or let this one export malloc_usable_size and memalign",
        ),
        LossCause::Abandoned => facts("event", "perhaps not counted", ""),
        LossCause::RecordingLost => facts(
            "recording",
            "ended early",
            "record to a file system with more room, and leave the file alone",
        ),
        LossCause::Unknown(_) => return None,
    })
}

const LARGER_TABLES: &str = "libmemtrack.so has no larger tables: record a shorter run, or put a tracker with a region of \
                             your own into the program";
const FEWER_NAMES: &str = "use fewer names: libmemtrack.so has no larger tables";

/// A loss in words: `12 stacks truncated (stack deeper than the limit)`.
#[must_use]
pub fn text(loss: &Loss) -> String {
    match facts(loss.cause) {
        Some(Facts { thing, effect, .. }) => {
            format!("{} {effect} ({})", units::things(loss.events, thing), loss.cause.as_str())
        }
        None => format!("{} of kind {}", units::things(loss.events, "loss"), loss.cause.code()),
    }
}

/// The remedy for a cause; empty if there is none.
#[must_use]
pub fn remedy(cause: LossCause, is_preloaded: bool) -> &'static str {
    facts(cause).map_or("", |facts| match facts.preloaded {
        Some(preloaded) if is_preloaded => preloaded,
        _ => facts.remedy,
    })
}

/// All losses in one line; `None` if nothing was lost. Causes beyond the first `most` are only counted.
#[must_use]
pub fn summary(losses: &[Loss], most: usize) -> Option<String> {
    let mut texts: Vec<_> = losses.iter().filter(|loss| loss.events > 0).map(text).collect();
    if texts.len() > most {
        let rest = units::things((texts.len() - most) as u64, "other cause");
        texts.splice(most.., [format!("and for {rest}")]);
    }
    (!texts.is_empty()).then(|| format!("lost: {}", texts.join(", ")))
}

/// The table of all causes in Markdown.
#[must_use]
pub fn markdown() -> String {
    let mut table = String::from("| cause | effect | remedy |\n|---|---|---|\n");
    for (cause, facts) in LossCause::ALL.iter().filter_map(|&cause| Some((cause, facts(cause)?))) {
        let remedy = match (facts.remedy, facts.preloaded) {
            ("", _) => "none".into(),
            (remedy, None) => remedy.to_string(),
            (remedy, Some(preloaded)) => format!("{remedy}. Under `record`: {preloaded}"),
        };
        table.push_str(&format!("| {} | {} {} | {remedy} |\n", cause.as_str(), facts.thing, facts.effect));
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_preloads_the_library_is_not_told_to_change_a_region() {
        let mut advised = 0;
        for &cause in LossCause::ALL.iter().filter(|&&cause| remedy(cause, false).contains("region")) {
            let text = remedy(cause, true);
            assert!(!text.is_empty() && text != remedy(cause, false), "{cause:?}");
            advised += 1;
        }
        assert!(advised > 0);
    }

    #[test]
    fn losses_say_what_is_missing_and_why() {
        let losses = [
            Loss { cause: LossCause::TooDeep, events: 12 },
            Loss { cause: LossCause::StacksFull, events: 0 },
            Loss { cause: LossCause::Unknown(200), events: 1 },
        ];
        assert_eq!(
            summary(&losses, 3).as_deref(),
            Some("lost: 12 stacks truncated (stack deeper than the limit), 1 loss of kind 200")
        );
        assert_eq!(
            summary(&losses, 1).as_deref(),
            Some("lost: 12 stacks truncated (stack deeper than the limit), and for 1 other cause")
        );
        assert_eq!(summary(&losses[1..2], 3), None);
    }
}
