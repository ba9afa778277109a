//! The registers that code uses as frame pointers.

/// How many registers code uses as frame pointers: on ARM that of ARM code, r11, and that of Thumb code, r7.
#[cfg(any(cfi, cfi_bare))]
pub(super) const FRAME_POINTERS: usize = if cfg!(ehabi) { 2 } else { 1 };

/// The content of this register.
#[cfg(not(ehabi))]
pub type FramePointers = usize;
/// The content of these registers. The first one is in the lower half of the number.
#[cfg(ehabi)]
pub type FramePointers = u64;

/// One of these registers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fp {
    First,
    #[cfg(ehabi)]
    Second,
}

impl Fp {
    /// Its content.
    #[inline(always)]
    pub(super) fn of(self, all: FramePointers) -> usize {
        #[cfg(ehabi)]
        return (all >> self.shift()) as usize;
        #[cfg(not(ehabi))]
        all
    }
}

#[cfg(any(cfi, cfi_bare))]
impl Fp {
    pub(super) const ALL: [Fp; FRAME_POINTERS] = [
        Fp::First,
        #[cfg(ehabi)]
        Fp::Second,
    ];

    /// Replaces its content.
    #[inline(always)]
    pub(super) fn set(self, all: &mut FramePointers, value: usize) {
        *all = *all & !self.mask() | (value as FramePointers) << self.shift();
    }

    /// All its bits.
    #[inline(always)]
    pub(super) fn mask(self) -> FramePointers {
        (usize::MAX as FramePointers) << self.shift()
    }

    #[inline(always)]
    fn shift(self) -> u32 {
        self as u32 * usize::BITS
    }
}
