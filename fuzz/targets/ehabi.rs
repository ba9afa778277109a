//! Walks a stack by ARM's exception handling tables. No content of tables and stack may cause a read outside
//! of the stack.
//!
//! The input: the number of rows in the index and of words in the stack (one byte each); program counter,
//! stack pointer and r7; the words of the stack, of the index, and of the tables behind it. A word has four
//! bytes.
#![no_main]

use libfuzzer_sys::fuzz_target;
use memtrack::unwind::fuzz;
use memtrack_fuzz::walks::Input;

fn walk(bytes: &[u8]) -> Option<()> {
    let mut input = Input(bytes);
    let [rows, length] = [input.byte()?, input.byte()?].map(usize::from);
    let registers = [input.u32()?, input.u32()?, input.u32()?];
    let stack =
        (0..length).map(|_| input.u32().map(|word| word as usize)).collect::<Option<Box<[usize]>>>()?;
    let tables: Vec<u32> = std::iter::from_fn(|| input.u32()).collect();
    let mut frames = heapless::Vec::<usize, 64>::new();
    fuzz::ehabi(&tables, rows, registers, &stack, &mut frames);
    Some(())
}

fuzz_target!(|bytes: &[u8]| {
    walk(bytes);
});
