//! Chains of calls with known shapes and depths. Chain N ends in an allocation of 1000 + N bytes, and its shape is N in
//! base 3: each digit is a function that calls the next one, with frames of different sizes.
//!
//! Every caller uses the result of its callee, so that no call can become a jump, and no function may be inlined.

use std::backtrace::Backtrace;
use std::hint::black_box;

use crate::{Done, HEAP};

const CHAINS: usize = 40;

type Block = Vec<u8>;

/// Writes the dump, and prints each chain as the standard library's backtrace has it.
pub(crate) fn run(dump: &str) -> Done {
    let blocks: Vec<Block> = (0..CHAINS).map(|number| begin(number, number)).collect();
    let dumped = HEAP.dump_to_path(dump);
    drop(blocks);
    dumped
}

/// Calls the function of the next digit. A macro: the frames of a chain are those of its digits.
macro_rules! next {
    ($rest:ident, $number:ident) => {{
        const DIGITS: [fn(usize, usize) -> Block; 3] = [small, large, aligned];
        match $rest {
            0 => leaf($number),
            _ => DIGITS[$rest % 3]($rest / 3, $number),
        }
    }};
}

/// Its code differs from that of `small`: an optimising compiler makes one function of two with the same code.
#[inline(never)]
fn begin(rest: usize, number: usize) -> Block {
    let block = next!(rest, number);
    black_box(number);
    block
}

#[inline(never)]
fn small(rest: usize, number: usize) -> Block {
    let block = next!(rest, number);
    black_box(block)
}

#[inline(never)]
fn large(rest: usize, number: usize) -> Block {
    let mut frame = [rest; 300];
    black_box(&mut frame);
    let block = next!(rest, number);
    black_box(frame[rest]);
    block
}

/// A local variable that the stack pointer must be aligned for.
#[inline(never)]
fn aligned(rest: usize, number: usize) -> Block {
    #[repr(align(128))]
    struct Aligned(usize);
    let mut frame = Aligned(rest);
    black_box(&mut frame);
    let block = next!(rest, number);
    black_box(frame.0);
    block
}

#[inline(never)]
fn leaf(number: usize) -> Block {
    println!("{number} {}", of_backtrace(&Backtrace::force_capture().to_string()));
    let _tag = HEAP.tag("work");
    let block = Vec::with_capacity(black_box(1000 + number));
    black_box(block)
}

/// The functions of the chain in a printed backtrace, the outermost first. A frame is a line `N: NAME`.
fn of_backtrace(text: &str) -> String {
    const OWN: &str = "everywhere::chains::";
    let name = |line: &str| Some(line.trim().split_once(": ")?.1.strip_prefix(OWN)?.to_owned());
    let mut names: Vec<String> = text.lines().filter_map(name).filter(|name| name != "run").collect();
    names.retain(|name| !name.starts_with("run::"));
    names.reverse();
    names.join(";")
}
