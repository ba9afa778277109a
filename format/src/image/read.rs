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

#[cfg(test)]
mod tests {
    use super::*;

    const COUNTS: Counts = Counts { causes: 0, classes: 0, top_threads: 0, slots: 2 };

    /// A byte, a long, a word, a total, an array, as many halves as there are slots, and a last byte.
    type Values = (u8, u64, u64, u64, [u16; 2], [Option<u16>; 3], u8, usize);

    fn read(bytes: &[u8], machine: Machine) -> Values {
        let memory = Memory { bytes, machine };
        let mut from = Fields::new(memory, COUNTS, 0);
        let (byte, long, word, total) =
            (from.get::<u8>(), from.get::<u64>(), from.get::<Word>(), from.get::<Total>());
        let (array, run) = (from.get::<[u16; 2]>(), from.get::<Each<u16, Slots>>());
        let mut halves = run.iter(memory, COUNTS);
        let each = [halves.next(), halves.next(), halves.next()];
        (byte, long, word, total, array, each, from.get::<u8>(), from.at)
    }

    #[test]
    fn values_are_read_in_order_of_both_widths() {
        let wide = Machine { big_endian: false, pointer: 8, long: 8 };
        let each = [Some(0x6160), Some(0x6362), None];
        let mut bytes = [0; 41];
        bytes[0] = 1;
        bytes[8..16].copy_from_slice(&[0x20, 0x21, 0x22, 0x23, 0x24, 0x25, 0x26, 0x27]);
        bytes[16..24].copy_from_slice(&[0x30, 0x31, 0x32, 0x33, 0x34, 0x35, 0x36, 0x37]);
        bytes[24..32].copy_from_slice(&[0x40, 0x41, 0x42, 0x43, 0x44, 0x45, 0x46, 0x47]);
        bytes[32..].copy_from_slice(&[0x50, 0x51, 0x52, 0x53, 0x60, 0x61, 0x62, 0x63, 0x70]);
        let (long, word, total) = (0x2726_2524_2322_2120, 0x3736_3534_3332_3130, 0x4746_4544_4342_4140);
        assert_eq!(read(&bytes, wide), (1, long, word, total, [0x5150, 0x5352], each, 0x70, 41));

        let narrow = Machine { big_endian: false, pointer: 4, long: 4 };
        let mut bytes = [0; 33];
        bytes[0] = 1;
        bytes[4..12].copy_from_slice(&[0x20, 0x21, 0x22, 0x23, 0x24, 0x25, 0x26, 0x27]);
        bytes[12..16].copy_from_slice(&[0x30, 0x31, 0x32, 0x33]);
        bytes[16..24].copy_from_slice(&[0x40, 0x41, 0x42, 0x43, 0x44, 0x45, 0x46, 0x47]);
        bytes[24..].copy_from_slice(&[0x50, 0x51, 0x52, 0x53, 0x60, 0x61, 0x62, 0x63, 0x70]);
        assert_eq!(read(&bytes, narrow), (1, long, 0x3332_3130, total, [0x5150, 0x5352], each, 0x70, 33));
    }

    #[test]
    fn values_are_read_in_the_other_byte_order() {
        let memory = Memory {
            bytes: &[1, 2, 3, 4, 5, 6, 7, 8],
            machine: Machine { big_endian: true, pointer: 4, long: 8 },
        };
        let at = |at| Fields::new(memory, COUNTS, at);
        assert_eq!(
            (memory.u32(0), at(4).get::<Word>(), at(6).get::<u16>()),
            (0x0102_0304, 0x0506_0708, 0x0708)
        );
        assert_eq!(at(0).get::<u64>(), 0x0102_0304_0506_0708);
        // The low half comes first in either byte order.
        assert_eq!(at(0).get::<Total>(), 0x0506_0708_0102_0304);
    }

    #[test]
    fn a_value_that_is_not_there_is_zero() {
        let memory = Memory { bytes: &[1, 2, 3], machine: Machine::HERE };
        let mut from = Fields::new(memory, COUNTS, 0);
        assert_eq!(
            (memory.u32(0), memory.u32(usize::MAX), from.get::<u64>(), from.get::<u8>()),
            (0, 0, 0, 0)
        );
        let mut from = Fields::new(memory, COUNTS, usize::MAX - 1);
        assert_eq!((from.get::<u64>(), from.get::<u8>()), (0, 0), "the end of all addresses is no error");
    }

    #[test]
    fn a_run_begins_at_its_values_alignment() {
        let machine = Machine { big_endian: false, pointer: 8, long: 8 };
        let memory = Memory { bytes: &[1, 9, 2, 0, 3, 0, 4], machine };
        let mut from = Fields::new(memory, COUNTS, 0);
        let byte = from.get::<u8>();
        let run = from.get::<Each<u16, Slots>>();
        let mut values = run.iter(memory, COUNTS);
        assert_eq!((byte, values.next(), values.next(), values.next()), (1, Some(2), Some(3), None));
        assert_eq!(from.get::<u8>(), 4);
        assert!(Run::<u16>::default().iter(memory, COUNTS).next().is_none());
    }
}
