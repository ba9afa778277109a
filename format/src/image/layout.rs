//! How fields lie: each at the next multiple of its size, as a C compiler lays a `struct`.

/// Widths and byte order of a target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Machine {
    /// Whether the high byte of an integer comes first.
    pub big_endian: bool,
    /// Bytes of a pointer: 4 or 8.
    pub pointer: usize,
    /// What 64-bit integers are aligned to: 4 or 8.
    pub long: usize,
}

impl Machine {
    /// The machine that this is compiled for.
    pub const HERE: Machine = Machine {
        big_endian: cfg!(target_endian = "big"),
        pointer: size_of::<usize>(),
        long: align_of::<u64>(),
    };
}

/// How many there are of what depends on the tracker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counts {
    /// Causes of losses that are counted.
    pub causes: usize,
    /// Classes of block sizes that a thread counts.
    pub classes: usize,
    /// Threads that are kept with a finished stage.
    pub top_threads: usize,
    /// Thread slots that fit.
    pub slots: usize,
}

/// Which of the [`Counts`].
#[derive(Clone, Copy, Debug)]
pub enum Count {
    /// [`Counts::causes`].
    Causes,
    /// [`Counts::classes`].
    Classes,
    /// [`Counts::top_threads`].
    TopThreads,
    /// [`Counts::slots`].
    Slots,
}

impl Counts {
    pub(super) const fn get(&self, count: Count) -> usize {
        match count {
            Count::Causes => self.causes,
            Count::Classes => self.classes,
            Count::TopThreads => self.top_threads,
            Count::Slots => self.slots,
        }
    }
}

/// How a value lies in memory.
#[derive(Clone, Copy, Debug)]
pub enum Shape {
    /// An integer of 1, 2 or 4 bytes.
    Small(usize),
    /// An integer of 8 bytes.
    Long,
    /// An integer of a pointer's width.
    Word,
    /// A total of 64 bits; with pointers of 4 bytes two `u32`, the low half first.
    Total,
    /// Several of one kind.
    Array(&'static Shape, usize),
    /// As many of one kind as the tracker has.
    Each(&'static Shape, Count),
    /// Fields in their order.
    Group(&'static [Field]),
    /// Fields in their order, on cache lines of their own where pointers have 8 bytes.
    Lines(&'static [Field]),
}

/// A field of a record.
#[derive(Clone, Copy, Debug)]
pub struct Field {
    /// Its name in `docs/wire-format.md`.
    pub name: &'static str,
    /// How it lies.
    pub shape: Shape,
}

/// Bytes of a cache line.
const LINE: usize = 64;

impl Shape {
    /// What its first byte's address is a multiple of.
    #[must_use]
    pub const fn align(&self, machine: &Machine) -> usize {
        match self {
            Shape::Small(size) => *size,
            Shape::Long => machine.long,
            Shape::Word => machine.pointer,
            Shape::Total if machine.pointer == 8 => 8,
            Shape::Total => 4,
            Shape::Array(item, _) | Shape::Each(item, _) => item.align(machine),
            Shape::Lines(_) if machine.pointer == 8 => LINE,
            Shape::Group(fields) | Shape::Lines(fields) => {
                let (mut align, mut i) = (1, 0);
                while i < fields.len() {
                    let field = fields[i].shape.align(machine);
                    align = if field > align { field } else { align };
                    i += 1;
                }
                align
            }
        }
    }

    /// Its bytes; `usize::MAX` when there are more than that.
    #[must_use]
    pub const fn size(&self, machine: &Machine, counts: &Counts) -> usize {
        match self {
            Shape::Small(size) => *size,
            Shape::Long | Shape::Total => 8,
            Shape::Word => machine.pointer,
            Shape::Array(item, count) => item.size(machine, counts).saturating_mul(*count),
            Shape::Each(item, count) => item.size(machine, counts).saturating_mul(counts.get(*count)),
            Shape::Group(fields) | Shape::Lines(fields) => {
                align_up(end(fields, fields.len(), machine, counts), self.align(machine))
            }
        }
    }
}

/// Where the field `number` begins, behind the beginning of its record.
#[must_use]
pub const fn offset(fields: &[Field], number: usize, machine: &Machine, counts: &Counts) -> usize {
    align_up(end(fields, number, machine, counts), fields[number].shape.align(machine))
}

/// Where the first `number` fields end.
const fn end(fields: &[Field], number: usize, machine: &Machine, counts: &Counts) -> usize {
    let (mut at, mut i) = (0usize, 0);
    while i < number {
        let shape = &fields[i].shape;
        at = align_up(at, shape.align(machine)).saturating_add(shape.size(machine, counts));
        i += 1;
    }
    at
}

const fn align_up(at: usize, align: usize) -> usize {
    match at.checked_next_multiple_of(align) {
        Some(at) => at,
        None => usize::MAX,
    }
}

/// Whether the fields of a structure of this machine lie where the image has them: at `offsets`, which count from `base`.
///
/// # Panics
/// When one lies elsewhere, or is missing: in a constant that is an error of the compiler.
pub const fn check(fields: &[Field], counts: &Counts, base: usize, offsets: &[usize]) {
    assert!(fields.len() == offsets.len(), "each field of the image's record has an offset");
    let mut i = 0;
    while i < fields.len() {
        assert!(
            offsets[i] - base == offset(fields, i, &Machine::HERE, counts),
            "a field lies elsewhere than docs/wire-format.md has it"
        );
        i += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIELDS: &[Field] = &[
        Field { name: "byte", shape: Shape::Small(1) },
        Field { name: "long", shape: Shape::Long },
        Field { name: "word", shape: Shape::Word },
        Field { name: "rest", shape: Shape::Each(&Shape::Small(2), Count::Slots) },
    ];
    const COUNTS: Counts = Counts { causes: 0, classes: 0, top_threads: 0, slots: 3 };

    #[test]
    fn fields_lie_as_a_c_compiler_lays_them() {
        let laid = |pointer, long| {
            let machine = Machine { big_endian: false, pointer, long };
            let offsets = [0, 1, 2, 3].map(|number| offset(FIELDS, number, &machine, &COUNTS));
            let group = Shape::Group(FIELDS);
            (offsets, group.size(&machine, &COUNTS), group.align(&machine))
        };
        assert_eq!(laid(8, 8), ([0, 8, 16, 24], 32, 8));
        assert_eq!(laid(4, 8), ([0, 8, 16, 20], 32, 8));
        assert_eq!(laid(4, 4), ([0, 4, 12, 16], 24, 4));
    }

    #[test]
    fn shapes_have_sizes_and_alignments() {
        const TOTALS: &[Field] =
            &[Field { name: "byte", shape: Shape::Small(1) }, Field { name: "total", shape: Shape::Total }];
        let counts = Counts { causes: 5, classes: 6, top_threads: 7, slots: 8 };
        let laid = |shape: Shape| {
            [(8, 8), (4, 8), (4, 4)].map(|(pointer, long)| {
                let machine = Machine { big_endian: false, pointer, long };
                (shape.size(&machine, &counts), shape.align(&machine))
            })
        };
        assert_eq!(laid(Shape::Total), [(8, 8), (8, 4), (8, 4)]);
        assert_eq!(laid(Shape::Long), [(8, 8), (8, 8), (8, 4)]);
        assert_eq!(laid(Shape::Array(&Shape::Word, 3)), [(24, 8), (12, 4), (12, 4)]);
        assert_eq!(laid(Shape::Group(TOTALS)), [(16, 8), (12, 4), (12, 4)]);
        assert_eq!(laid(Shape::Lines(TOTALS)), [(64, 64), (12, 4), (12, 4)]);
        for (count, many) in
            [(Count::Causes, 5), (Count::Classes, 6), (Count::TopThreads, 7), (Count::Slots, 8)]
        {
            assert_eq!(laid(Shape::Each(&Shape::Small(2), count)), [(2 * many, 2); 3]);
        }
    }

    #[test]
    fn a_structure_is_compared_field_by_field() {
        let offsets = [0, 1, 2, 3].map(|number| 100 + offset(FIELDS, number, &Machine::HERE, &COUNTS));
        check(FIELDS, &COUNTS, 100, &offsets);
    }

    #[test]
    #[should_panic(expected = "a field lies elsewhere")]
    fn a_field_that_lies_elsewhere_is_found() {
        let mut offsets = [0, 1, 2, 3].map(|number| offset(FIELDS, number, &Machine::HERE, &COUNTS));
        offsets[3] += 1;
        check(FIELDS, &COUNTS, 0, &offsets);
    }

    #[test]
    fn more_than_memory_holds_is_a_number_all_the_same() {
        let counts = Counts { slots: usize::MAX, ..COUNTS };
        assert_eq!(Shape::Group(FIELDS).size(&Machine::HERE, &counts), usize::MAX);
    }
}
