//! The bytes of an image, read in the target's byte order and widths.

use core::marker::PhantomData;

use super::layout::{Count, Counts, Machine, Shape};

/// The bytes. A byte that is not there reads as zero.
#[derive(Clone, Copy, Debug)]
pub struct Memory<'i> {
    /// The bytes that are there.
    pub bytes: &'i [u8],
    /// Whose they are.
    pub machine: Machine,
}

impl Memory<'_> {
    fn get<const N: usize>(&self, at: usize) -> [u8; N] {
        let found = self.bytes.get(at..).and_then(|bytes| bytes.first_chunk::<N>());
        let mut bytes = found.copied().unwrap_or([0; N]);
        if self.machine.big_endian {
            bytes.reverse();
        }
        bytes
    }

    /// The 32-bit integer at `at`.
    #[must_use]
    pub fn u32(&self, at: usize) -> u32 {
        u32::from_le_bytes(self.get(at))
    }
}

/// A cursor that reads values one after the other.
#[derive(Clone, Copy, Debug)]
pub struct Fields<'i> {
    memory: Memory<'i>,
    counts: Counts,
    at: usize,
}

impl<'i> Fields<'i> {
    /// Begins at `at`.
    #[must_use]
    pub fn new(memory: Memory<'i>, counts: Counts, at: usize) -> Self {
        Fields { memory, counts, at }
    }

    /// Reads the next value.
    pub fn get<V: Value>(&mut self) -> V::Read {
        V::read(self)
    }

    /// Steps to the next multiple of `align`.
    pub(super) fn align(&mut self, align: usize) {
        self.at = self.at.checked_next_multiple_of(align).unwrap_or(usize::MAX);
    }

    pub(super) fn align_to(&mut self, shape: &Shape) {
        self.align(shape.align(&self.memory.machine));
    }

    fn integer<const N: usize>(&mut self, align: usize) -> [u8; N] {
        self.align(align);
        let bytes = self.memory.get(self.at);
        self.at = self.at.saturating_add(N);
        bytes
    }
}

/// A value that lies in an image.
pub trait Value {
    /// What a reader makes of it.
    type Read;
    /// How it lies.
    const SHAPE: Shape;
    /// Reads it.
    fn read(from: &mut Fields<'_>) -> Self::Read;
}

macro_rules! small {
    ($($int:ty),*) => {$(
        impl Value for $int {
            type Read = $int;
            const SHAPE: Shape = Shape::Small(size_of::<$int>());
            fn read(from: &mut Fields<'_>) -> $int {
                <$int>::from_le_bytes(from.integer(size_of::<$int>()))
            }
        }
    )*};
}
small!(u8, u16, u32);

impl Value for u64 {
    type Read = u64;
    const SHAPE: Shape = Shape::Long;
    fn read(from: &mut Fields<'_>) -> u64 {
        u64::from_le_bytes(from.integer(from.memory.machine.long))
    }
}

/// An integer of a pointer's width.
#[derive(Clone, Copy, Debug)]
pub enum Word {}

impl Value for Word {
    type Read = u64;
    const SHAPE: Shape = Shape::Word;
    fn read(from: &mut Fields<'_>) -> u64 {
        if from.memory.machine.pointer == 4 {
            return u32::read(from).into();
        }
        u64::from_le_bytes(from.integer(8))
    }
}

/// A total of 64 bits.
#[derive(Clone, Copy, Debug)]
pub enum Total {}

impl Value for Total {
    type Read = u64;
    const SHAPE: Shape = Shape::Total;
    fn read(from: &mut Fields<'_>) -> u64 {
        if from.memory.machine.pointer == 8 {
            return Word::read(from);
        }
        let (low, high) = (u32::read(from), u32::read(from));
        u64::from(high) << 32 | u64::from(low)
    }
}

impl<V: Value, const N: usize> Value for [V; N] {
    type Read = [V::Read; N];
    const SHAPE: Shape = Shape::Array(&V::SHAPE, N);
    fn read(from: &mut Fields<'_>) -> [V::Read; N] {
        core::array::from_fn(|_| V::read(from))
    }
}

/// Values of which the tracker has as many as `C` says.
#[derive(Clone, Copy, Debug)]
pub struct Each<V, C>(PhantomData<(V, C)>);

/// Says how many values an [`Each`] has.
pub trait CountOf {
    /// Which of the counts.
    const COUNT: Count;
}

macro_rules! counts {
    ($($(#[$doc:meta])* $name:ident),*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug)]
        pub enum $name {}
        impl CountOf for $name {
            const COUNT: Count = Count::$name;
        }
    )*};
}
counts! {
    /// One for each cause of losses.
    Causes,
    /// One for each class of block sizes.
    Classes,
    /// One for each thread that is kept with a stage.
    TopThreads,
    /// One for each thread slot that fits.
    Slots
}

/// Values that lie one after the other: where, and how many. They are read when they are asked for.
#[derive(Clone, Copy, Debug)]
pub struct Run<V> {
    at: usize,
    count: usize,
    value: PhantomData<V>,
}

impl<V> Default for Run<V> {
    fn default() -> Self {
        Run { at: 0, count: 0, value: PhantomData }
    }
}

impl<V: Value> Run<V> {
    /// The values, of the memory in which the run was found.
    pub fn iter<'i>(&self, memory: Memory<'i>, counts: Counts) -> impl Iterator<Item = V::Read> + use<'i, V> {
        let mut from = Fields::new(memory, counts, self.at);
        (0..self.count).map(move |_| from.get::<V>())
    }
}

impl<V: Value, C: CountOf> Value for Each<V, C> {
    type Read = Run<V>;
    const SHAPE: Shape = Shape::Each(&V::SHAPE, C::COUNT);
    fn read(from: &mut Fields<'_>) -> Run<V> {
        from.align_to(&V::SHAPE);
        let (at, count) = (from.at, from.counts.get(C::COUNT));
        let size = V::SHAPE.size(&from.memory.machine, &from.counts).saturating_mul(count);
        from.at = from.at.saturating_add(size);
        Run { at, count, value: PhantomData }
    }
}
