//! The walk against libgcc's, frame by frame.

use super::*;
use crate::table::stacks::StackTable;
use crate::unwind::registers;
use core::ffi::c_void;
#[cfg(unix)]
use std::sync::Mutex;
use std::vec::Vec;

#[cfg(ehabi)]
mod arm;

/// The stack as the unwinder of the C runtime sees it: addresses inside the calls, innermost first.
fn reference() -> Vec<usize> {
    #[repr(C)]
    struct Context([u8; 0]);
    unsafe extern "C" {
        fn _Unwind_Backtrace(each: extern "C" fn(*mut Context, *mut c_void) -> i32, into: *mut c_void)
        -> i32;
        #[cfg(not(ehabi))]
        fn _Unwind_GetIPInfo(context: *mut Context, before: *mut i32) -> usize;
        /// A register: its class, its number and its representation.
        #[cfg(ehabi)]
        fn _Unwind_VRS_Get(
            context: *mut Context,
            class: i32,
            number: u32,
            kind: i32,
            into: *mut usize,
        ) -> i32;
    }
    extern "C" fn each(context: *mut Context, into: *mut c_void) -> i32 {
        #[cfg(not(ehabi))]
        let pc = {
            let mut before = 0;
            // SAFETY: the context is valid during the call.
            let pc = unsafe { _Unwind_GetIPInfo(context, &raw mut before) };
            if before != 0 { pc } else { pc.wrapping_sub(1) }
        };
        #[cfg(ehabi)]
        let pc = {
            let mut pc = 0;
            // SAFETY: the context is valid during the call. Of the core's registers, as a number, the 15th.
            unsafe { _Unwind_VRS_Get(context, 0, 15, 0, &raw mut pc) };
            (pc & !1).wrapping_sub(1)
        };
        // SAFETY: `into` is exclusively the caller's.
        unsafe { (*into.cast::<Vec<usize>>()).push(pc) };
        0
    }
    let mut frames = Vec::new();
    // SAFETY: `each` is called with the vector only during the call.
    unsafe { _Unwind_Backtrace(each, (&raw mut frames).cast()) };
    while frames.last().is_some_and(|&pc| pc == usize::MAX || pc == 0) {
        frames.pop();
    }
    frames
}

fn walked(cache: Option<&mut Memo>) -> (Vec<usize>, End) {
    let from = registers();
    let local = crate::platform::Local::new();
    let prove = |sp| crate::platform::Platform::stack(&crate::platform::Host, &local, sp);
    let mut frames = heapless::Vec::<usize, 4096>::new();
    let end = Cfi.walk(from, Memory::at(from.sp, &prove).unwrap(), cache, &mut frames);
    (frames.iter().copied().map(comparable).collect(), end)
}

/// An address as the reference has it. On ARM that does not tell interrupted code, whose addresses are even, from calls.
fn comparable(pc: usize) -> usize {
    if cfg!(ehabi) && pc.is_multiple_of(2) { pc - 1 } else { pc }
}

thread_local! {
    // SAFETY: all-zero is an empty memo.
    static MEMO: core::cell::RefCell<Box<Memo>> = core::cell::RefCell::new(unsafe { Box::new_zeroed().assume_init() });
    // SAFETY: all-zero is the empty table.
    static TABLE: Box<StackTable<{ 1 << 16 }>> = unsafe { Box::new_zeroed().assume_init() };
}

/// The stack as a capture with the thread's memory sees it, from two calls further in: the hook's frame and a shim.
#[inline(never)]
fn captured() -> Vec<usize> {
    core::hint::black_box(hook()).into_iter().skip(1).collect()
}

#[inline(never)]
fn hook() -> Vec<usize> {
    let from = registers();
    let local = crate::platform::Local::new();
    let prove = |sp| crate::platform::Platform::stack(&crate::platform::Host, &local, sp);
    let mut frames = heapless::Vec::<usize, 4096>::new();
    TABLE.with(|table| {
        MEMO.with_borrow_mut(|memo| {
            let memory = Memory::at(from.sp, &prove).unwrap();
            let captured = Cfi.capture(from, memory, Some(memo), table.by_ref(), &mut frames);
            assert_eq!((captured.end, captured.interned.cut), (End::Complete, false));
            let mut id = captured.interned.stack.0;
            let nodes: std::collections::HashMap<_, _> = table.by_ref().nodes_from(0).collect();
            let mut found = Vec::new();
            while let Some(node) = nodes.get(&id) {
                found.push(comparable(node.address as usize));
                id = node.parent;
            }
            found
        })
    })
}

/// Both walks from here outwards agree but for this function's own frames.
#[inline(never)]
fn check() -> usize {
    // SAFETY: all-zero is an empty cache.
    let mut memo: Box<Memo> = unsafe { Box::new_zeroed().assume_init() };
    let (mine, end) = walked(None);
    let (cached, _) = walked(Some(&mut memo));
    let (again, _) = walked(Some(&mut memo));
    let mut theirs = reference();
    if cfg!(any(undescribed_libc, ehabi)) && theirs.last() != mine.last() {
        // The reference leaves the start-up code out: musl's own, and such that says that it cannot be unwound.
        theirs.extend(mine.last());
    }
    assert_eq!(end, End::Complete);
    let common = mine.iter().rev().zip(theirs.iter().rev()).take_while(|(a, b)| a == b).count();
    // The frames that differ are `walked` and `reference`, and the lines in here that call them.
    assert!(theirs.len() - common <= 3, "differ from frame {common} of\n{mine:x?}\n{theirs:x?}");
    for other in [&cached, &again] {
        assert_eq!(mine.len(), other.len());
        assert_eq!(mine[mine.len() - common..], other[mine.len() - common..]);
    }
    let remembered = captured();
    // Two calls further in: the line that makes the capture, and perhaps more when nothing is inlined.
    assert!((common..common + 3).contains(&remembered.len()), "{remembered:x?}\n{theirs:x?}");
    assert_eq!(remembered[remembered.len() - common..], theirs[theirs.len() - common..]);
    core::hint::black_box(common)
}

#[inline(never)]
fn recurse(n: usize, pad: &dyn Fn() -> usize) -> usize {
    let space = core::hint::black_box([n; 7]);
    if n == 0 { check() } else { recurse(n - 1, pad) + pad() - pad() + space[0] - n }
}

#[test]
fn recursion_agrees() {
    let shallow = recurse(0, &|| 1);
    assert_eq!(recurse(40, &|| 1), shallow + 40);
}

#[test]
fn a_spawned_thread_agrees() {
    std::thread::spawn(|| assert!(check() > 2)).join().unwrap();
}

// The reference does not get through `qsort` of musl, which describes none of its code.
#[cfg(all(unix, not(undescribed_libc)))]
#[test]
fn calls_back_from_c_agree() {
    static DEPTH: Mutex<usize> = Mutex::new(0);
    extern "C" fn compare(a: *const libc::c_void, b: *const libc::c_void) -> i32 {
        *DEPTH.lock().unwrap() = check();
        // SAFETY: `qsort` passes pointers to two of the integers.
        unsafe { *a.cast::<i32>() - *b.cast::<i32>() }
    }
    let mut numbers = [3, 1, 2];
    // SAFETY: three integers of four bytes.
    unsafe { libc::qsort(numbers.as_mut_ptr().cast(), 3, 4, Some(compare)) };
    assert_eq!(numbers, [1, 2, 3]);
    assert!(*DEPTH.lock().unwrap() > 3);
}

// The reference does not get past musl's signal trampoline.
#[cfg(all(unix, not(undescribed_libc)))]
#[test]
fn a_signal_handler_agrees_to_the_interrupted_code_and_beyond() {
    static DEPTH: Mutex<usize> = Mutex::new(0);
    extern "C" fn handler(_: i32) {
        *DEPTH.lock().unwrap() = check();
    }
    // SAFETY: the handler has the right signature; raising the signal runs it on this thread.
    unsafe {
        libc::signal(libc::SIGUSR2, handler as extern "C" fn(i32) as libc::sighandler_t);
        libc::raise(libc::SIGUSR2);
    }
    assert!(*DEPTH.lock().unwrap() > 5);
}

/// Asserts that a walk from further inside is whole, and has the frames of one from here, except for those that the two lines
/// have of their own.
#[cfg(unix)]
fn assert_goes_on(inside: &(Vec<usize>, Option<End>), (here, end): &(Vec<usize>, End)) {
    assert_eq!((*end, inside.1), (End::Complete, Some(End::Complete)), "{inside:x?}");
    let common = inside.0.iter().rev().zip(here.iter().rev()).take_while(|(a, b)| a == b).count();
    // The frames that differ here are those of the walk and of the line that makes it.
    assert!(common + 3 >= here.len() && inside.0.len() > here.len(), "{here:x?}\n{inside:x?}");
}

#[cfg(unix)]
#[test]
fn a_walk_from_a_signal_handler_finds_the_interrupted_code() {
    static FOUND: Mutex<(Vec<usize>, Option<End>)> = Mutex::new((Vec::new(), None));
    extern "C" fn handler(_: i32) {
        let (frames, end) = walked(None);
        *FOUND.lock().unwrap() = (frames, Some(end));
    }
    // SAFETY: the handler has the right signature; raising the signal runs it on this thread.
    let here = unsafe {
        libc::signal(libc::SIGURG, handler as extern "C" fn(i32) as libc::sighandler_t);
        libc::raise(libc::SIGURG);
        walked(None)
    };
    assert_goes_on(&FOUND.lock().unwrap(), &here);
}

#[cfg(unix)]
#[test]
fn a_walk_from_a_call_back_goes_on_through_the_library() {
    static FOUND: Mutex<(Vec<usize>, Option<End>)> = Mutex::new((Vec::new(), None));
    extern "C" fn compare(a: *const libc::c_void, b: *const libc::c_void) -> i32 {
        let (frames, end) = walked(None);
        *FOUND.lock().unwrap() = (frames, Some(end));
        // SAFETY: `qsort` passes pointers to two of the integers.
        unsafe { *a.cast::<i32>() - *b.cast::<i32>() }
    }
    let mut numbers = [3, 1, 2];
    // SAFETY: three integers of four bytes.
    unsafe { libc::qsort(numbers.as_mut_ptr().cast(), 3, 4, Some(compare)) };
    let here = walked(None);
    assert_goes_on(&FOUND.lock().unwrap(), &here);
}

#[test]
fn a_panic_that_was_caught_leaves_the_walk_right() {
    let caught = std::panic::catch_unwind(|| {
        check();
        std::panic::panic_any(7);
    });
    assert!(caught.is_err());
    check();
}

/// A call graph of functions with frames of many sizes, some of which use a frame pointer, that call each other by
/// chance.
mod chains {
    use super::check;
    use core::hint::black_box;

    type Link = fn(usize, &mut u64) -> usize;

    /// A function with `WORDS` of locals, with four places from which it calls on.
    #[inline(never)]
    fn link<const WORDS: usize>(depth: usize, chance: &mut u64) -> usize {
        let mut pad = [depth; WORDS];
        black_box(&mut pad);
        let found = if depth == 0 {
            check()
        } else {
            *chance = chance.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            let next = LINKS[(*chance >> 33) as usize % LINKS.len()];
            match *chance >> 60 & 3 {
                0 => next(depth - 1, chance) + black_box(0),
                1 => black_box(next(depth - 1, chance)),
                2 => next(depth - 1, chance) * black_box(1),
                _ => next(depth - 1, chance) - black_box(0),
            }
        };
        found + black_box(pad[WORDS - 1]) - depth
    }

    /// A frame whose size is known only when it runs: C's variable-length array, so that it needs a frame pointer.
    #[cfg(all(unix, not(undescribed_libc)))]
    #[inline(never)]
    fn variable(depth: usize, chance: &mut u64) -> usize {
        unsafe extern "C" {
            fn qsort_r(
                base: *mut u8,
                count: usize,
                size: usize,
                compare: extern "C" fn(*const u8, *const u8, *mut Call) -> i32,
                call: *mut Call,
            );
        }
        #[repr(C)]
        struct Call<'c>(usize, &'c mut u64, usize);
        extern "C" fn compare(_: *const u8, _: *const u8, call: *mut Call) -> i32 {
            // SAFETY: the pointer is the one that was passed to `qsort_r`, for the duration of the call.
            let call = unsafe { &mut *call };
            if call.2 == 0 {
                call.2 = link::<3>(call.0, call.1);
            }
            0
        }
        let mut call = Call(depth.saturating_sub(1), chance, 0);
        let mut numbers = [2u8, 1];
        // SAFETY: two elements of one byte; the pointer stays valid during the call.
        unsafe { qsort_r(numbers.as_mut_ptr(), 2, 1, compare, &raw mut call) };
        call.2
    }

    static LINKS: &[Link] = &[
        link::<1>,
        link::<2>,
        link::<5>,
        link::<9>,
        link::<16>,
        link::<31>,
        link::<64>,
        link::<257>,
        #[cfg(all(unix, not(undescribed_libc)))]
        variable,
    ];

    #[test]
    fn random_chains_agree() {
        let mut chance = 1;
        for round in 0..300 {
            black_box(LINKS[round % LINKS.len()](round % 23, &mut chance));
        }
        // The same chains again: now they are recalled.
        chance = 1;
        for round in 0..300 {
            black_box(LINKS[round % LINKS.len()](round % 23, &mut chance));
        }
    }
}

/// A stack that did not fit into the stack table may fit another time.
#[test]
fn a_stack_without_room_in_the_table_is_not_remembered() {
    // SAFETY: all-zero is an empty memo.
    let mut memo: Box<Memo> = unsafe { Box::new_zeroed().assume_init() };
    let table = Box::new(StackTable::<4>::new());
    let local = crate::platform::Local::new();
    let prove = |sp| crate::platform::Platform::stack(&crate::platform::Host, &local, sp);
    for _ in 0..2 {
        let from = registers();
        let memory = Memory::at(from.sp, &prove).unwrap();
        let mut frames = heapless::Vec::<usize, 4096>::new();
        let captured = Cfi.capture(from, memory, Some(&mut memo), table.by_ref(), &mut frames);
        assert!(captured.end == End::Complete && captured.interned.cut && captured.last_cell.is_none());
    }
}

/// A walk that stopped may get further when a module is loaded.
#[test]
fn a_stack_that_is_not_whole_is_not_remembered() {
    let mut stopped = 0;
    for room in (1..64).map(|n| 256 * n) {
        // SAFETY: all-zero is an empty memo, and an empty table.
        let (mut memo, table): (Box<Memo>, Box<StackTable<1024>>) =
            unsafe { (Box::new_zeroed().assume_init(), Box::new_zeroed().assume_init()) };
        let from = registers();
        let local = crate::platform::Local::new();
        let end = crate::platform::Platform::stack(&crate::platform::Host, &local, from.sp).unwrap().1;
        // The stack is said to end closer.
        let prove = |sp: usize| (sp == from.sp).then(|| (sp, end.min(sp + room)));
        let memory = Memory::at(from.sp, &prove).unwrap();
        let mut frames = heapless::Vec::<usize, 256>::new();
        let captured = Cfi.capture(from, memory, Some(&mut memo), table.by_ref(), &mut frames);
        if captured.end == End::Stopped {
            assert!(captured.last_cell.is_none(), "{room} bytes of the stack");
            stopped += usize::from(frames.len() > 2);
        }
    }
    assert!(stopped > 0, "more than the two callers were found");
}

#[test]
fn a_stack_whose_words_changed_is_not_recalled() {
    /// Two callers at one depth, with frames of one size.
    #[inline(never)]
    fn one(f: &dyn Fn() -> Vec<usize>) -> Vec<usize> {
        core::hint::black_box(f())
    }
    #[inline(never)]
    fn two(f: &dyn Fn() -> Vec<usize>) -> Vec<usize> {
        let found = f();
        core::hint::black_box(found)
    }
    let stacks: Vec<_> = (0..6).map(|n| if n % 2 == 0 { one(&captured) } else { two(&captured) }).collect();
    assert_eq!(stacks[0], stacks[2]);
    assert_eq!(stacks[1], stacks[3]);
    assert_ne!(stacks[0], stacks[1]);
}
