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
    let memory = Memory::at(low, &prove, || bounds).expect("the bounds are known");
    for count in [1, 4, 5, 23, 24] {
        let from = Registers { pc: count, sp: low, fp: 0 };
        let group = Fingerprint::of_group(7, from);
        trace.begin();
        (0..count).for_each(|nth| _ = trace.read(&memory, low + 5 * nth * WORD));
        let interned = Interned { stack: StackId(9), cut: false };
        let last_cell = cache.store(group, from, &memory, &trace, (interned, End::Complete));
        *last_cell.expect("there is room") = LastCell { cell: 3, label: 1 };
        let is_found = |cache: &mut StackCache| {
            let again = cache.predict(from.pc, from.sp, from.fp) != LastCell::NONE;
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

/// Words of a stack that is not the thread's own may be unmapped before the cache compares them: the look-up asks whether
/// they are readable, and the prediction leaves them alone.
#[test]
fn a_stack_that_may_be_unmapped_is_not_predicted() {
    let (mut cache, mut trace) = empty();
    let mut stack = [0usize; 16];
    let low = stack.as_mut_ptr().expose_provenance();
    let high = low + size_of_val(&stack);
    let prove = |_| Some((low, high));
    for (own, is_predicted) in [((low, high), true), ((low, high + 1), false), ((low + 1, high), false)] {
        let memory = Memory::at(low, &prove, || own).expect("the bounds are known");
        let from = Registers { pc: 1, sp: low, fp: 0 };
        let group = Fingerprint::of_group(7, from);
        cache.clear();
        trace.begin();
        trace.read(&memory, low + WORD);
        let interned = Interned { stack: StackId(9), cut: false };
        let last_cell = cache.store(group, from, &memory, &trace, (interned, End::Complete));
        *last_cell.expect("there is room") = LastCell { cell: 3, label: 1 };
        // Twice: so the cache predicts that the last stack repeats.
        assert!(
            cache.look_up(group, from, &memory).is_some() && cache.look_up(group, from, &memory).is_some()
        );
        assert_eq!(cache.predict(from.pc, from.sp, from.fp) != LastCell::NONE, is_predicted, "{own:?}");
    }
}
