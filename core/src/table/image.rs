//! The image: a copy of a region, which says how to read it, so that a host needs no part of the program.
//!
//! [`memtrack_format::image`] defines it. The header's words are made here, and published when a tracker claims the region.
//! [`assert_layout`] compares structures of the tables with the records of the image.

pub(crate) use memtrack_format::image::header::WORDS;
use memtrack_format::image::header::{self, Header, Place, STAGES, TABLES, TIMELINE};
use memtrack_format::image::{Counts, Machine};

use crate::sync::*;

/// The header at the beginning of a region.
#[repr(C)]
pub(crate) struct Image {
    words: [AtomicU32; WORDS],
}

/// How many there are of what depends on the tracker, in a region of so many thread slots.
pub(super) const fn counts(slots: usize) -> Counts {
    Counts {
        causes: super::losses::CAUSES,
        classes: crate::limits::CLASSES,
        top_threads: crate::limits::TOP_THREADS,
        slots,
    }
}

/// Fails to compile unless fields of a structure lie where the image's record has them: the offset of each, in the record's
/// order, from a base. The models' atomic integers have more than their values.
macro_rules! assert_layout {
    ($record:ty, slots $slots:expr, base $base:expr; $($offset:expr),* $(,)?) => {
        if cfg!(not(models)) {
            memtrack_format::image::layout::check(
                <$record>::FIELDS,
                &$crate::table::image::counts($slots),
                $base,
                &[$($offset),*],
            );
        }
    };
    ($record:ty as $own:ty; $($offset:expr),* $(,)?) => {
        const _: () = {
            assert_layout!($record, slots 0, base 0; $($offset),*);
            assert!(
                cfg!(models) || size_of::<$own>() == <$record as memtrack_format::image::Value>::SHAPE.size(
                    &memtrack_format::image::Machine::HERE,
                    &$crate::table::image::counts(0),
                ),
                "the record has no other fields"
            );
        };
    };
}
pub(super) use assert_layout;

/// Where a table lies.
pub(super) const fn place(offset: usize, stride: usize, capacity: usize) -> Place {
    Place { offset: offset as u32, stride: stride as u32, capacity: capacity as u32 }
}

/// The header of a region of `size` bytes, but for what only runs can tell. What is read of its head lies from `marks`
/// to the word at `head_end`.
pub(super) const fn header(
    size: usize,
    depth: usize,
    marks: usize,
    head_end: usize,
    slots: usize,
    places: [Place; TABLES],
) -> [u32; WORDS] {
    assert!(size <= u32::MAX as usize, "a region has at most 4 GiB: make its tables smaller");
    let header = Header {
        machine: Machine::HERE,
        arch: crate::target::ARCH.code(),
        os: crate::target::OS.code(),
        counts: counts(slots),
        size: size as u32,
        depth: depth as u32,
        unwinder: [0; header::UNWINDER_BYTES],
        stages: 0,
        timeline: 0,
        marks: marks as u16,
        marks_end: (head_end - marks) as u16,
        places,
    };
    header.words()
}

/// The header with the unwinder's name in it, or as much of it as fits.
pub(crate) const fn named(words: [u32; WORDS], unwinder: &str) -> [u32; WORDS] {
    header::with_unwinder(words, unwinder.as_bytes())
}

impl Image {
    /// Writes the header of a region that has just been claimed. `stages` and `timeline` are what their locks guard.
    pub(crate) fn publish(&self, words: &[u32; WORDS], stages: *const u8, timeline: *const u8) {
        self.restore(words);
        let begin = core::ptr::from_ref(self).addr();
        self.words[STAGES].store((stages.addr() - begin) as u32, Relaxed);
        self.words[TIMELINE].store((timeline.addr() - begin) as u32, Relaxed);
    }

    /// The header's words.
    #[cfg(feature = "std")]
    pub(crate) fn copy(&self) -> [u32; WORDS] {
        core::array::from_fn(|place| self.words[place].load(Relaxed))
    }

    /// Writes them into a header that is all zero.
    pub(crate) fn restore(&self, words: &[u32; WORDS]) {
        for (to, word) in self.words.iter().zip(words) {
            to.store(*word, Relaxed);
        }
    }

    /// The unwinder's name.
    #[cfg(feature = "std")]
    pub(crate) fn unwinder(&self) -> heapless::String<{ header::UNWINDER_BYTES }> {
        let bytes = header::unwinder(&self.copy());
        let mut name = heapless::String::new();
        // A name of other letters is cut where they no longer fit.
        bytes
            .into_iter()
            .take_while(|&byte| byte != 0)
            .try_for_each(|byte| name.push(char::from(byte)))
            .unwrap_or(());
        name
    }
}
