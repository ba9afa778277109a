//! Which remembered stacks are found.

use super::*;
use crate::unwind::StackId;
use crate::unwind::rules::rule::Trace;
use std::boxed::Box;

/// An empty cache, and a list of no words.
fn empty() -> (Box<StackCache>, Box<DecidingWords>) {
    // SAFETY: all-zero is a value of both.
    unsafe { (Box::new_zeroed().assume_init(), Box::new_zeroed().assume_init()) }
}

/// A remembered stack is found while all words that decided its walk are unchanged, and not when any one of them has
/// changed.
#[test]
fn each_word_that_decided_is_compared() {
    let (mut cache, mut trace) = empty();
    let mut stack = [0usize; 128];
    let low = stack.as_mut_ptr().expose_provenance();
    let bounds = (low, low + size_of_val(&stack));
    let prove = |_| Some(bounds);
    let memory = Memory::at(low, &prove).expect("the bounds are known");
    for count in [1, 4, 5, 23, 24] {
        let from = Registers { pc: count, sp: low, fp: 0 };
        let group = Fingerprint::of_group(7, from);
        trace.begin();
        (0..count).for_each(|nth| _ = trace.read(&memory, low + 5 * nth * WORD));
        let interned = Interned { stack: StackId(9), cut: false };
        let last_cell = cache.store(group, from, &memory, &trace, (interned, End::Complete));
        *last_cell.expect("there is room") = LastCell { cell: 3, label: 1 };
        let is_found = |cache: &mut StackCache| {
            // SAFETY: the array is as large.
            let again =
                unsafe { cache.predict_newest(group, from, size_of::<[usize; 128]>()) } != LastCell::NONE;
            let found = cache.look_up(group, from, &memory).is_some();
            assert_eq!(again, found);
            found
        };
        assert!(cache.look_up(group, from, &memory).is_some() && is_found(&mut cache));
        for nth in 0..count {
            let changed = &mut core::hint::black_box(&mut stack)[5 * nth];
            *changed ^= 1;
            assert!(!is_found(&mut cache), "word {nth} of {count}");
            core::hint::black_box(&mut stack)[5 * nth] ^= 1;
            assert!(cache.look_up(group, from, &memory).is_some(), "word {nth} of {count}");
            assert!(is_found(&mut cache), "word {nth} of {count}");
        }
    }
}

/// Words that are not known to be readable are not read: neither the fingerprint's nor those that decided the walk.
#[test]
fn a_stack_whose_end_may_be_unmapped_is_not_found() {
    let (mut cache, mut trace) = empty();
    let mut stack = [0usize; 16];
    let low = stack.as_mut_ptr().expose_provenance();
    let prove = |_| Some((low, low + size_of::<[usize; 16]>()));
    let memory = Memory::at(low, &prove).expect("the bounds are known");
    let from = Registers { pc: 1, sp: low, fp: 0 };
    let group = Fingerprint::of_group(7, from);
    for last in [3usize, 9, 15] {
        cache.clear();
        // Two stacks with one fingerprint: the second makes the word that differs a distinguishing one.
        for value in [0, 1] {
            core::hint::black_box(&mut stack)[last] = value;
            trace.begin();
            trace.read(&memory, low + last * WORD);
            let interned = Interned { stack: StackId(9), cut: false };
            let last_cell = cache.store(group, from, &memory, &trace, (interned, End::Complete));
            *last_cell.expect("there is room") = LastCell { cell: 3, label: 1 };
            for room in 0..=16 * WORD {
                let prove = |_| Some((low, low + room));
                let found = Memory::at(low, &prove).expect("the range").room(low) == room
                    && cache.look_up(group, from, &Memory::at(low, &prove).expect("the range")).is_some();
                // SAFETY: the array is as large.
                let predicted = unsafe { cache.predict_newest(group, from, room) } != LastCell::NONE;
                assert_eq!(
                    (found, predicted),
                    (room >= (last + 1) * WORD, room >= (last + 1) * WORD),
                    "{room}"
                );
            }
        }
    }
}

#[test]
fn a_full_cache_forgets_all_stacks_and_goes_on() {
    let (mut cache, mut trace) = empty();
    let stack = [1usize; 8];
    let low = stack.as_ptr().expose_provenance();
    let bounds = (low, low + size_of_val(&stack));
    let prove = |_| Some(bounds);
    let memory = Memory::at(low, &prove).expect("the bounds are known");
    trace.begin();
    let _ = trace.read(&memory, low);
    let interned = Interned { stack: StackId(9), cut: false };
    let of = |pc| {
        let from = Registers { pc, sp: low, fp: 0 };
        (Fingerprint::of_group(pc, from), from)
    };
    // A stack takes more than eight words of the arena.
    let many = crate::limits::ARENA_WORDS / 8;
    for pc in 1..=many {
        let (group, from) = of(pc);
        assert!(cache.store(group, from, &memory, &trace, (interned, End::Complete)).is_some(), "stack {pc}");
    }
    let [first, last] = [of(1), of(many)].map(|(group, from)| cache.look_up(group, from, &memory).is_some());
    assert!(!first && last);
}
