//! A walk by call frame information over two stacks. Whatever tables and stacks hold, nothing outside of them is read.
//!
//! The input: the words of each stack, as a byte; program counter, stack pointer and frame pointer; the words of the stacks; the
//! table, its index first. Words have eight bytes.
#![no_main]

use libfuzzer_sys::fuzz_target;
use memtrack::unwind::{Registers, fuzz};
use memtrack_fuzz::walks::{Bases, Input};

fn walk(bytes: &[u8]) -> Option<()> {
    let mut input = Input(bytes);
    let lengths = [input.byte()?, input.byte()?].map(usize::from);
    let registers = [input.u64()?, input.u64()?, input.u64()?];
    // Each has a block of its own, so that AddressSanitizer sees what is read outside.
    let mut stacks = lengths.map(|length| vec![0usize; length].into_boxed_slice());
    let words: Vec<u64> = (0..lengths.iter().sum()).map(|_| input.u64()).collect::<Option<_>>()?;
    let table: Box<[u8]> = input.0.into();
    let at = stacks.each_ref().map(|stack| (stack.as_ptr() as usize, stack.len()));
    let bases = Bases { table: table.as_ptr() as usize, stacks: at };
    stacks.iter_mut().flatten().zip(&words).for_each(|(place, &word)| *place = bases.word(word));
    let [pc, sp, fp] = registers.map(|word| bases.word(word));
    let ranges = stacks
        .each_ref()
        .map(|stack| stack.as_ptr_range())
        .map(|range| (range.start as usize, range.end as usize));
    let prove = |at| ranges.into_iter().find(|range| (range.0..range.1).contains(&at));
    let mut frames = heapless::Vec::<usize, 64>::new();
    fuzz::cfi(&table, Registers { pc, sp, fp }, &prove, &mut frames);
    Some(())
}

fuzz_target!(|bytes: &[u8]| {
    walk(bytes);
});
