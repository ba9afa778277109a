//! The part of a table that is in use. A thread with few stacks touches few pages of its tables: they use one set at first, and more
//! when a set is full.

/// The number of sets in use, up to `ALL`, which is a power of two. All-zero is one.
pub(super) struct Window<const ALL: usize> {
    /// The bits of a hash that choose a set.
    mask: usize,
}

impl<const ALL: usize> Window<ALL> {
    /// A window widens by so much.
    const FACTOR: usize = 4;

    /// The set of a hash.
    #[inline(always)]
    pub(super) fn index(&self, hash: usize) -> usize {
        const { assert!(ALL.is_power_of_two()) };
        hash & self.mask & (ALL - 1)
    }

    /// How many sets are in use.
    pub(super) fn sets(&self) -> usize {
        self.mask + 1
    }

    /// Uses more sets, when there are more, and returns how many were in use. Their entries must be put into
    /// [their sets](Self::index) again: each stays where it is, or goes to a set that was not in use.
    pub(super) fn widen(&mut self) -> Option<usize> {
        let sets = self.sets();
        self.mask = (sets * Self::FACTOR).min(ALL) - 1;
        (sets < ALL).then_some(sets)
    }
}

#[cfg(test)]
mod tests {
    use super::Window;

    #[test]
    fn a_window_widens_up_to_all_sets() {
        let mut window = Window::<32> { mask: 0 };
        let mut sizes = vec![(window.sets(), window.index(61))];
        while let Some(before) = window.widen() {
            assert_eq!(before, sizes[sizes.len() - 1].0);
            sizes.push((window.sets(), window.index(61)));
        }
        assert_eq!(sizes, [(1, 0), (4, 1), (16, 13), (32, 29)]);
    }
}
