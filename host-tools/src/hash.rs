//! A fast hash for keys that are a few numbers.
//!
//! The standard library's hash withstands an attacker who chooses long keys, and that costs most of the time of a look-up in a
//! large table. Keys here are numbers of at most 64 bits each. They come from dumps, so an attacker may choose them. But each run
//! multiplies by a random number of its own: nobody can prepare keys that collide.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::LazyLock;

/// Makes hashes with the seed of this run.
#[derive(Clone, Copy)]
pub(crate) struct Numbers {
    seed: u64,
    factor: u64,
}

/// A map whose keys are numbers.
pub(crate) type Map<K, V> = std::collections::HashMap<K, V, Numbers>;

impl Default for Numbers {
    fn default() -> Self {
        static SEEDS: LazyLock<Numbers> = LazyLock::new(|| {
            let random = RandomState::new();
            // An even factor would lose a bit of each key.
            Numbers { seed: random.hash_one(0), factor: random.hash_one(1) | 1 }
        });
        *SEEDS
    }
}

impl BuildHasher for Numbers {
    type Hasher = State;

    fn build_hasher(&self) -> State {
        State { hash: self.seed, factor: self.factor }
    }
}

/// The hash of the numbers so far.
pub(crate) struct State {
    hash: u64,
    factor: u64,
}

impl Hasher for State {
    fn write_u64(&mut self, number: u64) {
        let product = u128::from(self.hash ^ number) * u128::from(self.factor);
        // Each half alone depends on a part of the number only.
        self.hash = (product as u64) ^ (product >> 64) as u64;
    }

    fn write_u32(&mut self, number: u32) {
        self.write_u64(number.into());
    }

    fn write_usize(&mut self, number: usize) {
        self.write_u64(number as u64);
    }

    fn write(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(8) {
            let mut number = [0; 8];
            number[..chunk.len()].copy_from_slice(chunk);
            self.write_u64(u64::from_le_bytes(number));
        }
    }

    fn finish(&self) -> u64 {
        self.hash
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    /// The two parts of a hash that a table uses: the place, and the tag that is compared before the key.
    fn parts(key: impl std::hash::Hash) -> (u64, u64) {
        let hash = Numbers::default().hash_one(key);
        (hash & 0xffff, hash >> 57)
    }

    #[test]
    fn neighbours_and_multiples_are_spread() {
        const KEYS: u32 = 1 << 16;
        for step in [1u32, 64, 4096, 1 << 16] {
            let place = |i: u32| parts((i.wrapping_mul(step), i / 4)).0;
            let places: HashSet<u64> = (0..KEYS).map(place).collect();
            // Random places leave a share of 1/e empty.
            assert!(places.len() > KEYS as usize / 2, "step {step}: {} places", places.len());
            let tags: HashSet<u64> = (0..KEYS).map(|i| parts(u64::from(i) * u64::from(step)).1).collect();
            assert!(tags.len() > 64, "step {step}: {} tags", tags.len());
        }
    }

    #[test]
    fn order_and_length_of_the_key_count() {
        let hash = |key: &[u32]| {
            let mut state = Numbers::default().build_hasher();
            key.iter().for_each(|&number| state.write_u32(number));
            state.finish()
        };
        assert_ne!(hash(&[1, 2]), hash(&[2, 1]));
        assert_ne!(hash(&[1]), hash(&[1, 0]));
        assert_eq!(hash(&[1, 2]), hash(&[1, 2]));
    }
}
