//! Walks two stacks by call frame information. No content of tables and stacks may cause a read outside of
//! them.
//!
//! The input: the number of words in each stack (one byte each); program counter, stack pointer and frame
//! pointer; the words of the stacks; the table, which begins with its index. A word has eight bytes.
#![no_main]

use libfuzzer_sys::fuzz_target;
use memtrack::unwind::{Registers, fuzz};
use memtrack_fuzz::walks::{Bases, Input};

fn walk(bytes: &[u8]) -> Option<()> {
    let mut input = Input(bytes);
    let lengths = [input.byte()?, input.byte()?].map(usize::from);
    let registers = [input.u64()?, input.u64()?, input.u64()?];
    // Each stack is a separate block, so that AddressSanitizer detects reads outside of it.
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
