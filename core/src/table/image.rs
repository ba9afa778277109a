//! The image: what a copy of a region says of itself, so that it can be read without the program.
//!
//! The first words of a region tell what wrote it and where its tables lie. Inside of a table everything lies as C
//! would lay it, in the order of `docs/wire-format.md`: there is one page to change with a table's fields, and
//! [`VERSION`]. All words are zero until a tracker claims the region.

use crate::sync::*;

/// The first word, in the target's byte order: so that shows. In a little-endian file it reads `\x89MTI`.
const MAGIC: u32 = u32::from_le_bytes(*b"\x89MTI");
/// What the tables' fields are, and what the header's words mean.
const VERSION: u32 = 1;

/// Words of the header.
pub(crate) const WORDS: usize = PLACES + 3 * 8;
/// Words of the unwinder's name.
const NAME_WORDS: usize = 4;
const NAME: usize = 5;
const STAGES: usize = NAME + NAME_WORDS;
const TIMELINE: usize = STAGES + 1;
const MARKS: usize = TIMELINE + 1;
const PLACES: usize = MARKS + 1;

/// The header at the beginning of a region.
#[repr(C)]
pub(crate) struct Image {
    words: [AtomicU32; WORDS],
}

/// What the header says of the program: the same for all its regions.
pub(crate) struct Build {
    pub(crate) arch: u8,
    pub(crate) os: u8,
    /// Loss causes that are counted.
    pub(crate) causes: usize,
    /// Size classes that a thread counts.
    pub(crate) classes: usize,
    /// Threads kept with a stage.
    pub(crate) top_threads: usize,
}

/// Where a table lies: first a word with the number of its records, then the records, aligned.
pub(crate) struct Place {
    /// From the region's first byte; for the lists under a lock, from what the lock guards.
    pub(crate) offset: usize,
    /// Bytes from one record to the next.
    pub(crate) stride: usize,
    /// Records that fit.
    pub(crate) capacity: usize,
}

/// The header of a region of `size` bytes, but for what only runs can tell. What is read of its head stands from `marks`
/// to the word at `head_end`; the places are those of threads, nodes, cells, tags, heaps, finished stages, active stages
/// and the timeline.
pub(crate) const fn header(
    build: &Build,
    size: usize,
    depth: usize,
    marks: usize,
    head_end: usize,
    places: &[Place; 8],
) -> [u32; WORDS] {
    assert!(size <= u32::MAX as usize, "a region has at most 4 GiB: make its tables smaller");
    let mut words = [0; WORDS];
    words[0] = MAGIC;
    words[1] = VERSION | (size_of::<usize>() as u32) << 16 | (align_of::<u64>() as u32) << 24;
    words[2] = build.arch as u32
        | (build.os as u32) << 8
        | (build.causes as u32) << 16
        | (build.classes as u32) << 24;
    words[3] = size as u32;
    words[4] = depth as u32 & 0xff_ffff | (build.top_threads as u32) << 24;
    words[MARKS] = marks as u32 | (head_end as u32 - marks as u32) << 16;
    let mut i = 0;
    while i < places.len() {
        words[PLACES + 3 * i] = places[i].offset as u32;
        words[PLACES + 3 * i + 1] = places[i].stride as u32;
        words[PLACES + 3 * i + 2] = places[i].capacity as u32;
        i += 1;
    }
    words
}

/// Bytes of the region whose image begins with `bytes`, an image of this machine's byte order; `None` when it is none.
#[cfg(feature = "std")]
pub(crate) fn size_of_image(bytes: &[u8]) -> Option<u64> {
    let word = |place: usize| Some(u32::from_ne_bytes(*bytes.get(4 * place..)?.first_chunk()?));
    (word(0)? == MAGIC).then_some(u64::from(word(3)?))
}

/// Where a copy of a region, which begins with `bytes`, has the number of its thread slots in use.
#[cfg(feature = "std")]
pub(crate) fn thread_count_of_image(bytes: &[u8]) -> Option<u64> {
    Some(u64::from(u32::from_ne_bytes(*bytes.get(4 * PLACES..)?.first_chunk()?)))
}

/// The header with the unwinder's name in it, or its first 16 bytes.
pub(crate) const fn named(mut words: [u32; WORDS], unwinder: &str) -> [u32; WORDS] {
    let bytes = unwinder.as_bytes();
    let mut i = 0;
    while i < bytes.len() && i < 4 * NAME_WORDS {
        words[NAME + i / 4] |= (bytes[i] as u32) << (8 * (i % 4));
        i += 1;
    }
    words
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
    pub(crate) fn unwinder(&self) -> heapless::String<{ 4 * NAME_WORDS }> {
        let bytes =
            self.words[NAME..NAME + NAME_WORDS].iter().flat_map(|word| word.load(Relaxed).to_le_bytes());
        let mut name = heapless::String::new();
        // A name of other letters is cut where they no longer fit.
        bytes.take_while(|&byte| byte != 0).try_for_each(|byte| name.push(char::from(byte))).unwrap_or(());
        name
    }
}
