//! A lock-free hash index: from a hash to ids of 1 to 2²⁴ − 1, insert only.
//!
//! Buckets are chains: a bucket's head is the newest id, `links[id]` the next older one. An insertion publishes its entry
//! with one compare-exchange on the head. A published entry never changes, so a look-up needs no lock and may run in an
//! interrupt of an insertion. Each reference has seven bits of its target's hash, which spares most comparisons with other
//! entries.
//!
//! On a host the index grows by levels. The heads of a level lie behind those of the level below, and there are
//! [`LEVEL_FACTOR`] times as many. A bucket is begun by its first insertion, which does two things. It freezes the bucket below:
//! from then on nobody inserts there. And it links its entry to the chain of the bucket below, so one chain has all entries.
//! A bucket that is not begun has the chain of the bucket below. An insertion that meets a frozen bucket goes to the level above.
//! So nothing is ever moved, and threads need not agree on a level (the splitting of buckets is that of O. Shalev, N. Shavit,
//! "Split-ordered lists: lock-free extensible hash tables", J. ACM 53, 2006; here entries are linked, not ordered).

use super::backing::prepare;
use super::growth::Growth;
use crate::limits::{ENTRIES_PER_HEAD, FIRST_HEADS, LEVEL_FACTOR, MAX_CHAIN};
use crate::sync::*;

/// Bits of a reference that are the id. Seven more are bits of the hash.
const ID_BITS: u32 = 24;
const ID_MASK: u32 = (1 << ID_BITS) - 1;
const TAG_MASK: u32 = 0x7f << ID_BITS;

/// In a head: nobody inserts into this bucket any more.
const FROZEN: u32 = 1 << 31;

/// Whether an index can have more than one level.
const HAS_LEVELS: bool = FIRST_HEADS < 1 << ID_BITS;

/// The index over a table of `N` entries.
#[repr(C)]
pub(crate) struct Index<const N: usize> {
    pub(super) heads: [AtomicU32; N],
    pub(super) links: [AtomicU32; N],
}

/// The table has no room, or the chain is longer than may be followed.
#[derive(Debug, PartialEq, Eq)]
pub struct Full;

/// A view of an [`Index`] of any size.
#[derive(Clone, Copy)]
pub struct IndexRef<'t> {
    pub(super) heads: &'t [AtomicU32],
    pub(super) links: &'t [AtomicU32],
    /// For which heads there is memory.
    pub(super) growth: Growth<'t>,
}

/// A level: the heads from `start` on, a power of two.
#[derive(Clone, Copy)]
struct Level {
    start: usize,
    heads: usize,
}

/// The bucket where entries of one hash are, as a thread has seen it.
#[derive(Clone, Copy)]
struct Seen {
    level: Level,
    /// Its head; 0 when the bucket is not begun.
    head: u32,
    /// The newest entry.
    chain: u32,
}

impl Level {
    fn first(heads: usize) -> Level {
        Level { start: 0, heads: heads.min(FIRST_HEADS) }
    }

    fn above(self) -> Level {
        Level { start: self.end(), heads: self.heads * LEVEL_FACTOR }
    }

    fn below(self) -> Option<Level> {
        let heads = self.heads / LEVEL_FACTOR;
        (HAS_LEVELS && self.start > 0).then(|| Level { start: self.start - heads, heads })
    }

    fn end(self) -> usize {
        self.start + self.heads
    }
}

impl<const N: usize> Index<N> {
    const SIZE: () = assert!(
        N.is_power_of_two() && N <= 1 << ID_BITS,
        "a table's capacity must be a power of two and at most 2^24, what a block's trailer can name"
    );

    /// The empty index.
    pub(crate) const fn new() -> Self {
        const { Self::SIZE };
        Index { heads: [const { AtomicU32::new(0) }; N], links: [const { AtomicU32::new(0) }; N] }
    }

    #[inline]
    pub(crate) fn by_ref(&self) -> IndexRef<'_> {
        IndexRef { heads: &self.heads, links: &self.links, growth: Growth::WHOLE }
    }
}

impl IndexRef<'_> {
    /// Follows a chain from `reference` until `end` for an entry that `is` the one.
    #[inline]
    fn find(
        &self,
        mut reference: u32,
        end: u32,
        tag: u32,
        is: &(impl Fn(u32) -> bool + ?Sized),
    ) -> Result<Option<u32>, Full> {
        for _ in 0..MAX_CHAIN {
            if reference == end || reference == 0 {
                return Ok(None);
            }
            let id = reference & ID_MASK;
            // No table has such an id: another process has written into the file of a recording.
            let Some(link) = self.links.get(id as usize) else { break };
            if reference & TAG_MASK == tag && is(id) {
                return Ok(Some(id));
            }
            reference = link.load(Acquire);
        }
        Err(Full)
    }

    /// The id of the entry that `is` the one; when there is none, the id of the entry that `make` fills in. The table has about
    /// `entries` entries: they decide the level.
    ///
    /// Two threads that insert an equal entry at the same moment get one id: the second one sees the entry of the first, and
    /// leaves the entry that it has made unused.
    #[inline]
    pub(crate) fn find_or_insert(
        &self,
        entries: u32,
        hash: u32,
        is: impl Fn(u32) -> bool,
        make: impl FnOnce() -> Option<u32>,
    ) -> Result<u32, Full> {
        let Seen { level, head, chain } = self.look(self.level(entries), hash)?;
        match self.find(chain, 0, hash & TAG_MASK, &is)? {
            Some(id) => Ok(id),
            None => self.insert(level, head, chain, hash, &is, make().ok_or(Full)?),
        }
    }

    /// The level for so many entries: the highest one that has memory and that they fill.
    #[inline]
    fn level(&self, entries: u32) -> Level {
        let first = Level::first(self.heads.len());
        let is_enough = !HAS_LEVELS || (entries as usize) < first.heads * ENTRIES_PER_HEAD;
        if is_enough { first } else { self.level_above(first, entries) }
    }

    #[cold]
    #[inline(never)]
    fn level_above(&self, mut level: Level, entries: u32) -> Level {
        while entries as usize >= level.heads * ENTRIES_PER_HEAD {
            let above = level.above();
            if above.end() > self.heads.len() || !self.growth.reaches(above.end() as u32 - 1) {
                break;
            }
            level = above;
        }
        level
    }

    #[inline]
    fn bucket(&self, level: Level, hash: u32) -> &AtomicU32 {
        let Level { start, heads } = if HAS_LEVELS { level } else { Level::first(self.heads.len()) };
        &self.heads[start + (hash as usize & (heads - 1))]
    }

    /// The bucket for new entries of a hash, at this level or above.
    #[cfg_attr(feature = "std", inline(never))]
    #[cfg_attr(not(feature = "std"), inline)]
    fn look(&self, mut level: Level, hash: u32) -> Result<Seen, Full> {
        // Whoever froze a bucket has seen memory for the level above. But another process may have written into the file of a
        // recording.
        while level.end() <= self.heads.len() {
            let head = self.bucket(level, hash).load(Acquire);
            if !HAS_LEVELS || head & FROZEN == 0 {
                let chain = if head == 0 { self.chain_below(level, hash) } else { head };
                return Ok(Seen { level, head, chain });
            }
            level = level.above();
        }
        Err(Full)
    }

    /// The chain of the bucket below, or of the first one below that is begun.
    #[inline]
    fn chain_below(&self, level: Level, hash: u32) -> u32 {
        let mut below = level.below();
        while let Some(level) = below {
            let head = self.bucket(level, hash).load(Acquire);
            if head != 0 {
                return head & !FROZEN;
            }
            below = level.below();
        }
        0
    }

    /// Freezes the bucket of a hash at a level, and returns its chain.
    fn freeze(&self, level: Level, hash: u32) -> Result<u32, Full> {
        let bucket = self.bucket(level, hash);
        let mut head = bucket.load(Acquire);
        while head & FROZEN == 0 {
            let chain = if head == 0 { self.begin(level, hash)? } else { head };
            // Release: a bucket that was not begun gets the chain of another one.
            match bucket.compare_exchange(head, chain | FROZEN, AcqRel, Acquire) {
                Ok(_) => return Ok(chain),
                Err(newer) => head = newer,
            }
        }
        Ok(head & !FROZEN)
    }

    /// Prepares the first use of a bucket, and returns the chain that it begins with.
    fn begin(&self, level: Level, hash: u32) -> Result<u32, Full> {
        if !prepare(self.bucket(level, hash)) {
            return Err(Full);
        }
        level.below().map_or(Ok(0), |below| self.freeze(below, hash))
    }

    /// Announces the link of an id that is about to be inserted for the first time. False when it must not be used.
    #[inline]
    pub(super) fn prepare(&self, id: u32) -> bool {
        prepare(&self.links[id as usize])
    }

    /// Inserts an entry, unless there is an equal one in front of the chain that the caller has searched. One function for all
    /// tables: flash is dear.
    #[cold]
    fn insert(
        &self,
        mut level: Level,
        mut head: u32,
        mut searched: u32,
        hash: u32,
        is: &dyn Fn(u32) -> bool,
        id: u32,
    ) -> Result<u32, Full> {
        let tag = hash & TAG_MASK;
        loop {
            let older = if HAS_LEVELS && head == 0 { self.begin(level, hash)? } else { head };
            if let Some(theirs) = self.find(older, searched, tag, is)? {
                return Ok(theirs);
            }
            searched = older;
            self.links[id as usize].store(older, Relaxed);
            // Release: a thread that finds the reference finds the entry that `make` filled in.
            let bucket = self.bucket(level, hash);
            match bucket.compare_exchange(head, tag | id, Release, Acquire) {
                Ok(_) => return Ok(id),
                Err(_) if HAS_LEVELS => Seen { level, head, .. } = self.look(level, hash)?,
                Err(newer) => head = newer,
            }
        }
    }
}

/// Spreads the bits of a key over all 32 of a hash (Fibonacci hashing: multiply by 2⁶⁴ / φ, keep the top).
#[inline]
pub(crate) fn hash(a: u64, b: u64) -> u32 {
    ((a ^ b.rotate_left(32)).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Interns keys into a table of four with one constant hash: every key shares one chain.
    fn intern(index: &Index<4>, keys: &[AtomicU32; 4], count: &AtomicU32, key: u32) -> Result<u32, Full> {
        index.by_ref().find_or_insert(
            count.load(Relaxed),
            0x1234_5678,
            |id| keys[id as usize].load(Relaxed) == key,
            || {
                let id = count.fetch_add(1, Relaxed) + 1;
                keys.get(id as usize)?.store(key, Relaxed);
                Some(id)
            },
        )
    }

    /// The tag, seven bits of the hash, tells entries of one chain apart without a comparison.
    #[test]
    fn an_entry_with_another_tag_is_not_compared() {
        let index = Index::<4>::new();
        let find =
            |hash: u32, is: &dyn Fn(u32) -> bool, id| index.by_ref().find_or_insert(0, hash, is, || Some(id));
        let never = |_| panic!("compared");
        assert_eq!(find(0x0100_0002, &never, 1), Ok(1));
        assert_eq!(find(0x0200_0002, &never, 2), Ok(2));
        assert_eq!(find(0x0100_0002, &|id| id == 1, 3), Ok(1));
        assert_eq!(find(0x0200_0002, &|id| id == 2, 3), Ok(2));
        assert_eq!(find(0x0100_0003, &never, 3), Ok(3), "another chain");
    }

    #[test]
    fn hashes_spread_over_buckets_and_tags() {
        let mut buckets = [0; 256];
        let mut tags = [0; 128];
        for n in 0..2048u64 {
            // Addresses of one page's instructions, with one caller.
            let hash = hash(0x7f00_1234_5000 + 4 * n, 77);
            buckets[hash as usize & 255] += 1;
            tags[((hash & TAG_MASK) >> ID_BITS) as usize] += 1;
        }
        // Eight and sixteen of each on average.
        assert!(buckets.iter().all(|&count: &u32| count <= 24), "{buckets:?}");
        assert!(tags.iter().all(|&count: &u32| count <= 48), "{tags:?}");
        assert_ne!(hash(1, 2), hash(2, 1));
    }

    #[test]
    fn equal_hashes_are_never_merged() {
        let index = Index::<4>::new();
        let keys = [const { AtomicU32::new(0) }; 4];
        let count = AtomicU32::new(0);
        let ids: [_; 3] = [7, 8, 9].map(|key| intern(&index, &keys, &count, key).unwrap());
        assert_eq!(ids, [1, 2, 3]);
        assert_eq!([7, 8, 9].map(|key| intern(&index, &keys, &count, key).unwrap()), ids);
        assert_eq!(intern(&index, &keys, &count, 10), Err(Full));
        assert_eq!(intern(&index, &keys, &count, 8), Ok(2), "a full table still finds what it has");
    }

    /// Five entries for each head of a first level, so that there is a second one. Entry `id` is that of the key `id`.
    #[cfg(all(feature = "std", not(models)))]
    #[test]
    fn entries_keep_their_ids_when_a_level_is_added() {
        const KEYS: u32 = 5 * FIRST_HEADS as u32;
        let words = |len: usize| (0..len).map(|_| AtomicU32::new(0)).collect::<Vec<_>>();
        let (heads, links) = (words(9 * FIRST_HEADS), words(KEYS as usize + 1));
        let index = IndexRef { heads: &heads, links: &links, growth: Growth::WHOLE };
        let find = |entries, key: u32, make: &dyn Fn() -> Option<u32>| {
            index.find_or_insert(entries, hash(u64::from(key), 0), |id| id == key, make)
        };
        (1..=KEYS).for_each(|key| assert_eq!(find(key - 1, key, &|| Some(key)), Ok(key)));
        for entries in [0, KEYS] {
            (1..=KEYS).for_each(|key| assert_eq!(find(entries, key, &|| None), Ok(key), "from {entries}"));
        }
        let second = heads[FIRST_HEADS..].iter().filter(|head| head.load(Relaxed) != 0).count();
        let frozen = heads.iter().filter(|head| head.load(Relaxed) & FROZEN != 0).count();
        assert!(second > FIRST_HEADS / 2 && frozen > FIRST_HEADS / 4, "{second} begun, {frozen} frozen");
    }
}
