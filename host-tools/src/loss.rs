//! Losses in words: what a count means for the figures that are shown.

use memtrack_format::{Loss, LossCause};

use crate::units;

/// One loss in words: `12 stacks truncated (stack deeper than the limit)`.
#[must_use]
pub fn text(loss: &Loss) -> String {
    let (thing, what) = match loss.cause {
        LossCause::Reentered | LossCause::NoThread | LossCause::Paused | LossCause::CellsFull => {
            ("event", "without thread and stack")
        }
        LossCause::ThreadsFull => ("event", "without thread"),
        LossCause::StacksFull => ("event", "with inner frames cut"),
        LossCause::TooDeep | LossCause::Unwind => ("stack", "truncated"),
        LossCause::CorruptTrailer => ("free", "not booked"),
        LossCause::StagesFull | LossCause::StageDepth => ("stage", "not listed"),
        LossCause::TagsFull => ("event", "under an outer tag"),
        LossCause::Saturated => ("counter", "stopped"),
        LossCause::RecordTooLarge => ("record", "left out"),
        LossCause::OtherAllocator | LossCause::NoUsableSize => ("allocator", "not tracked"),
        LossCause::Abandoned => ("event", "perhaps not booked"),
        LossCause::RecordingLost => ("recording", "ended early"),
        LossCause::Unknown(code) => return format!("{} of kind {code}", units::things(loss.events, "loss")),
    };
    format!("{} {what} ({})", units::things(loss.events, thing), loss.cause.as_str())
}

/// What to do about it, where something can be done.
#[must_use]
pub fn remedy(cause: LossCause, is_preloaded: bool) -> &'static str {
    // Who runs a program under the library chooses no region.
    if is_preloaded { under_the_library(cause) } else { in_the_program(cause) }
}

/// For a program that runs under the preloaded library, whose tables are of one size.
fn under_the_library(cause: LossCause) -> &'static str {
    match cause {
        LossCause::ThreadsFull | LossCause::StacksFull | LossCause::CellsFull => {
            "libmemtrack.so has no larger tables: record a shorter run, or put a tracker with a region of your own into \
             the program"
        }
        LossCause::TooDeep => {
            "libmemtrack.so captures no more frames of a stack: the innermost ones are shown"
        }
        LossCause::Unwind => "keep unwind tables in the build: -fasynchronous-unwind-tables",
        LossCause::StagesFull | LossCause::TagsFull => "use fewer names: libmemtrack.so has no larger tables",
        _ => in_the_program(cause),
    }
}

fn in_the_program(cause: LossCause) -> &'static str {
    match cause {
        LossCause::ThreadsFull => "give the region more thread slots",
        LossCause::StacksFull => "give the region more stack nodes",
        LossCause::CellsFull => "give the region more cells",
        LossCause::TooDeep => "raise the region's stack depth",
        LossCause::Unwind => {
            "choose another unwinder, or keep unwind tables (or frame pointers) in the build"
        }
        LossCause::CorruptTrailer => {
            "the program writes past the end of a block, or frees a block that another allocator made"
        }
        LossCause::StagesFull => "give the region more finished stages",
        LossCause::StageDepth => "nest stages less deep",
        LossCause::TagsFull => "use fewer tags, or give the region more",
        LossCause::OtherAllocator => {
            "nothing can be preloaded in its place: link libmemtrack.a into the program and let it call memtrack_malloc, or \
             use -Wl,--wrap (docs/c.md)"
        }
        LossCause::NoUsableSize => {
            "preload another allocator than that one, or have it export malloc_usable_size and memalign"
        }
        LossCause::RecordingLost => "record to a file system with more room, and leave the file alone",
        _ => "",
    }
}

/// Everything lost, in one line; `None` when nothing was. With more than `most` causes, the rest is counted.
#[must_use]
pub fn summary(losses: &[Loss], most: usize) -> Option<String> {
    let mut texts: Vec<_> = losses.iter().filter(|loss| loss.events > 0).map(text).collect();
    if texts.len() > most {
        let rest = units::things((texts.len() - most) as u64, "other cause");
        texts.splice(most.., [format!("and for {rest}")]);
    }
    (!texts.is_empty()).then(|| format!("lost: {}", texts.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_preloads_the_library_is_not_told_to_change_a_region() {
        let of_region = |cause: &&LossCause| in_the_program(**cause).contains("region");
        let mut causes = LossCause::ALL.iter().filter(of_region).peekable();
        assert!(causes.peek().is_some());
        for &cause in causes {
            let text = under_the_library(cause);
            assert!(!text.is_empty() && text != in_the_program(cause), "{cause:?}");
        }
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

    #[test]
    fn every_known_cause_has_words_of_its_own() {
        for &cause in LossCause::ALL {
            assert!(!text(&Loss { cause, events: 1 }).contains("of kind"));
        }
    }
}
