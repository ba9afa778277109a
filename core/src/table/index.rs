//! A lock-free hash index: from a hash to ids of 1 to 2²⁴ − 1, insert only.
//!
//! Buckets are chains: `heads[bucket]` is the newest id, `links[id]` the next older one. An insertion publishes its entry
//! with one compare-exchange on the head. A published entry never changes, so a look-up needs no lock and may run in an
//! interrupt of an insertion. Each reference has eight bits of its target's hash, which spares most comparisons with other
//! entries.

use super::backing::prepare;
use crate::limits::MAX_CHAIN;
use crate::sync::*;

/// Bits of a reference that are the id; the rest is the hash tag.
const ID_BITS: u32 = 24;
const ID_MASK: u32 = (1 << ID_BITS) - 1;

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
        IndexRef { heads: &self.heads, links: &self.links }
    }

    /// With the first `heads` heads alone, a power of two that is always the same: the index touches fewer pages, and its
    /// chains are longer.
    #[inline]
    #[cfg(feature = "std")]
    pub(super) fn with_heads(&self, heads: usize) -> IndexRef<'_> {
        IndexRef { heads: &self.heads[..heads], links: &self.links }
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
            if reference & !ID_MASK == tag && is(id) {
                return Ok(Some(id));
            }
            reference = link.load(Acquire);
        }
        Err(Full)
    }

    /// The id of the entry that `is` the one; when there is none, the id of the entry that `make` fills in.
    ///
    /// Two threads that insert an equal entry at the same moment get one id: the second one sees the entry of the first, and
    /// leaves the entry that it has made unused.
    #[inline]
    pub(crate) fn find_or_insert(
        &self,
        hash: u32,
        is: impl Fn(u32) -> bool,
        make: impl FnOnce() -> Option<u32>,
    ) -> Result<u32, Full> {
        let bucket = &self.heads[hash as usize & (self.heads.len() - 1)];
        let tag = hash & !ID_MASK;
        let head = bucket.load(Acquire);
        match self.find(head, 0, tag, &is)? {
            Some(id) => Ok(id),
            None => self.insert(bucket, head, tag, &is, make().ok_or(Full)?),
        }
    }

    /// The addresses of the heads.
    #[cfg(all(feature = "std", not(recorded_from_start)))]
    pub(super) fn heads(&self) -> core::ops::Range<usize> {
        let heads = self.heads.as_ptr_range();
        heads.start.addr()..heads.end.addr()
    }

    /// Announces the link of an id that is about to be inserted for the first time. False when it must not be used.
    #[inline]
    pub(super) fn prepare(&self, id: u32) -> bool {
        prepare(&self.links[id as usize])
    }

    /// One function for all tables: flash is dear.
    #[cold]
    fn insert(
        &self,
        bucket: &AtomicU32,
        mut head: u32,
        tag: u32,
        is: &dyn Fn(u32) -> bool,
        id: u32,
    ) -> Result<u32, Full> {
        loop {
            self.links[id as usize].store(head, Relaxed);
            // Release: a thread that finds the reference finds the entry that `make` filled in.
            match bucket.compare_exchange(head, tag | id, Release, Acquire) {
                Ok(_) => return Ok(id),
                Err(newer) => {
                    if let Some(theirs) = self.find(newer, head, tag, is)? {
                        return Ok(theirs);
                    }
                    head = newer;
                }
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
            0x1234_5678,
            |id| keys[id as usize].load(Relaxed) == key,
            || {
                let id = count.fetch_add(1, Relaxed) + 1;
                keys.get(id as usize)?.store(key, Relaxed);
                Some(id)
            },
        )
    }

    /// The upper eight bits of a hash tell entries of one chain apart without a comparison.
    #[test]
    fn an_entry_with_other_upper_bits_is_not_compared() {
        let index = Index::<4>::new();
        let find =
            |hash: u32, is: &dyn Fn(u32) -> bool, id| index.by_ref().find_or_insert(hash, is, || Some(id));
        let never = |_| panic!("compared");
        assert_eq!(find(0x0100_0002, &never, 1), Ok(1));
        assert_eq!(find(0x0200_0002, &never, 2), Ok(2));
        assert_eq!(find(0x0100_0002, &|id| id == 1, 3), Ok(1));
        assert_eq!(find(0x0200_0002, &|id| id == 2, 3), Ok(2));
        assert_eq!(find(0x0100_0003, &never, 3), Ok(3), "another chain");
    }

    #[test]
    fn hashes_spread_over_buckets_and_upper_bits() {
        let mut buckets = [0; 256];
        let mut tags = [0; 256];
        for n in 0..2048u64 {
            // Addresses of one page's instructions, with one caller.
            let hash = hash(0x7f00_1234_5000 + 4 * n, 77);
            buckets[hash as usize & 255] += 1;
            tags[(hash >> ID_BITS) as usize] += 1;
        }
        // Eight of each on average.
        let most = |counts: [u32; 256]| counts.into_iter().max();
        assert!(most(buckets) <= Some(24) && most(tags) <= Some(24), "{buckets:?} {tags:?}");
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
}
