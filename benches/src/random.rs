//! Random numbers that are the same in every run and cost almost nothing: xorshift64 (Marsaglia, 2003).

/// The generator.
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    /// The sequence of this seed.
    pub const fn new(seed: u64) -> Self {
        Self((seed + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15))
    }

    /// The next 64 bits.
    #[inline]
    pub fn bits(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    /// A number in `low..=high`. The range is far smaller than 2³², so the bias does not matter.
    #[inline]
    pub fn within(&mut self, low: usize, high: usize) -> usize {
        let span = (high - low + 1) as u64;
        low + (((self.bits() >> 32) * span) >> 32) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_includes_both_ends() {
        let mut random = Random::new(0);
        let mut seen = [false; 5];
        for _ in 0..200 {
            seen[random.within(3, 7) - 3] = true;
        }
        assert_eq!(seen, [true; 5]);
    }
}
