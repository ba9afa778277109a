//! Whole walks through the library, whose functions run in this process.

use std::boxed::Box;
use std::cell::RefCell;
use std::collections::BTreeSet;
use std::vec::Vec;

use super::super::*;
use super::library::{AARCH64, Library, X86_64};
use crate::platform::{Host, Local, Platform};
use crate::unwind::rules::find;
use crate::unwind::rules::rule::{State, Untraced};
use crate::unwind::rules::walk::walk;
use crate::unwind::{End, Generations, Memory};

/// A step of the chain: see `core/tests/macho/chain.h`.
type Step = *const u8;
type Walk = extern "C" fn(usize, usize, usize) -> i32;
type Start = extern "C" fn(Walk, *const Step, i32) -> i32;
type TruthOf = extern "C" fn(&mut i32) -> *const usize;

/// What a walk finds, and the truth.
struct Found {
    frames: Vec<usize>,
    end: End,
    /// The return addresses of the calls that run, the outermost first. A number below [`UNKNOWN`] stands for the return address in
    /// the function `next`, behind which there are so many calls that the library does not know.
    truth: Vec<usize>,
}

const UNKNOWN: usize = 8;

thread_local! {
    static RUN: RefCell<Option<(&'static Library, Option<Found>)>> = const { RefCell::new(None) };
}

/// Called at the end of the chain, with the registers of its innermost frame: walks the whole stack.
extern "C" fn walk_here(pc: usize, sp: usize, fp: usize) -> i32 {
    RUN.with_borrow_mut(|run| {
        let (library, found) = run.as_mut().unwrap();
        let local = Local::new();
        let prove = |sp| Host.stack(&local, sp);
        let memory = Memory::at(sp, &prove).unwrap();
        let rule = |pc: usize, interrupted: bool| match library.contains(pc) {
            true => rule(library.text, library.index, library.frames, pc).unwrap_or(PackedRule::UNKNOWN),
            false => find::rule(pc, interrupted),
        };
        let mut frames = heapless::Vec::<usize, 4096>::new();
        let from = State { pc, sp, fp };
        let end = walk(from, true, memory, rule, &mut Untraced, &mut Generations::default(), &mut frames);
        // SAFETY: the function of the library has this type, and returns as many words as it says. Only this thread runs its code.
        let truth = unsafe {
            let (mut length, truth_of) = (0, library.function("_truth_of"));
            let truth = core::mem::transmute::<Step, TruthOf>(truth_of)(&mut length);
            core::slice::from_raw_parts(truth, length as usize).to_vec()
        };
        *found = Some(Found { frames: frames.to_vec(), end, truth });
    });
    1
}

/// Calls the steps in their order, and walks the stack at the end.
fn run(library: &'static Library, steps: &[Step]) -> Found {
    RUN.set(Some((library, None)));
    // SAFETY: the function has this type, and the library is mapped whole.
    let start = unsafe { core::mem::transmute::<Step, Start>(library.function("_start")) };
    start(walk_here, steps.as_ptr(), steps.len() as i32);
    RUN.take().unwrap().1.unwrap()
}

/// Whether the walk has found the calls of the library, and behind them those of this test.
#[track_caller]
fn check(library: &Library, found: &Found, in_next: usize, order: &[&str]) {
    let mut frames = found.frames.iter();
    let mut place = 0;
    let mut expect = |expected: Option<usize>| {
        let frame = *frames.next().unwrap_or(&0);
        let is_right = expected.map_or_else(|| library.contains(frame), |address| frame == address - 1);
        assert!(is_right, "frame {place} is {frame:#x}, not {expected:x?}: {:?} in {order:?}", found.end);
        place += 1;
    };
    for &address in found.truth.iter().rev() {
        if address < UNKNOWN {
            (0..address).for_each(|_| expect(None));
        }
        expect(Some(if address < UNKNOWN { in_next } else { address }));
    }
    assert_eq!(found.end, End::Complete);
    let rest: Vec<_> = frames.collect();
    assert!(
        rest.len() > 2 && rest.iter().all(|frame| !library.contains(**frame)),
        "the callers of this test"
    );
}

#[test]
fn whole_stacks_through_a_library_for_macos_are_walked() {
    let files = if HOST == Machine::X86_64 { X86_64 } else { AARCH64 };
    let library: &'static Library = Box::leak(Box::new(Library::load(files.library)));
    let names = library.symbols.keys().map(|name| name.as_str());
    let mut names: Vec<_> = names.filter(|name| name.starts_with("_step_")).collect();
    let kinds = |variant: &str| names.iter().filter(|name| name.ends_with(variant)).count();
    let variants = ["_o0", "_o1", "_o2", "_os", "_described", "_frames", "_none", "_rust", "_asm"].map(kinds);
    let in_assembly = usize::from(HOST == Machine::X86_64);
    assert_eq!(variants, [12, 12, 12, 12, 9, 64, 64, 3, in_assembly]);
    // All steps return to one address in `next`. A step of C knows it.
    let first = run(library, &[library.function("_step_small_o0")]);
    let in_next = first.truth[2];
    check(library, &first, in_next, &["_step_small_o0"]);
    for name in &names {
        check(library, &run(library, &[library.function(name)]), in_next, &[name]);
    }
    let mut neighbours = BTreeSet::new();
    // A generator of pseudo-random numbers (Knuth): the orders are the same in each run.
    let mut number = 1u64;
    for _ in 0..100 {
        for place in (1..names.len()).rev() {
            number = number.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            names.swap(place, (number >> 33) as usize % (place + 1));
        }
        neighbours.extend(names.windows(2).map(|pair| (pair[0], pair[1])));
        let steps: Vec<Step> = names.iter().map(|name| library.function(name)).collect();
        check(library, &run(library, &steps), in_next, &names);
    }
    assert!(neighbours.len() > 10_000);
}
